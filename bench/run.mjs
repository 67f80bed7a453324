// @ts-check
/** Runs every comparison, one row after the other; see README.md. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { parseArgs } from 'node:util';
import { progress } from '../labs/lib/report.mjs';
import { describeMachine } from './lib/machine.mjs';
import { page } from './lib/page.mjs';
import { writePlots } from './lib/plots.mjs';
import { table, verdict } from './lib/table.mjs';
import { defects } from './lib/targets.mjs';
import { active } from './rows/active.mjs';
import { cli } from './rows/cli.mjs';
import { connections } from './rows/connections.mjs';
import { failover } from './rows/failover.mjs';
import { firstLast } from './rows/first-last.mjs';
import { fresh } from './rows/fresh.mjs';
import { join } from './rows/join.mjs';
import { memory } from './rows/memory.mjs';
import { scaling } from './rows/scaling.mjs';
import { startRace } from './rows/start-race.mjs';
import { stop } from './rows/stop.mjs';
import { throughput } from './rows/throughput.mjs';
import { told } from './rows/told.mjs';

/** @import { Context, Results, RowResult } from './lib/types.mjs' */

const rows = [
  fresh,
  active,
  firstLast,
  join,
  startRace,
  throughput,
  connections,
  failover,
  told,
  memory,
  scaling,
  stop,
  cli,
];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    row: { type: 'string', multiple: true },
    render: { type: 'boolean', default: false },
  },
});
const { quick, row: only, render } = values;
const file = new URL('results.json', import.meta.url);

// It makes each Node read certificates when it starts, for longer than all the rest of that takes: every ratio between programs
// would look better than it is.
delete process.env['NODE_EXTRA_CA_CERTS'];

if (render) write(/** @type {Results} */ (read()));
else await run();

async function run() {
  const began = performance.now();
  const memoryDirectory = mkdtempSync(joinPath(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sockref-bench-'));
  const diskDirectory = mkdtempSync(joinPath(tmpdir(), 'sockref-bench-'));
  // After any interruption, and with the leftovers of any row.
  process.on('exit', () => {
    for (const each of [memoryDirectory, diskDirectory]) rmSync(each, { recursive: true, force: true });
  });
  /** @type {Context} */
  const context = {
    quick,
    memory: memoryDirectory,
    disk: diskDirectory,
    choose: (full, short) => (quick ? short : full),
    progress,
  };
  /** @type {RowResult[]} */
  const done = [];
  for (const { id, title, words, run: measureRow } of rows) {
    if (only && !only.includes(id)) continue;
    progress(title);
    const rowBegan = performance.now();
    const result = { id, title, words, groups: await measureRow(context) };
    progress('');
    // A row without groups could not be measured here.
    if (result.groups.length === 0) continue;
    done.push(result);
    console.log(`\n## ${title} (${((performance.now() - rowBegan) / 1000).toFixed(1)} s)\n`);
    for (const group of result.groups) console.log(`${table(group)}\n${group.targets.map(verdict).join('\n')}\n`);
  }
  const left = [memoryDirectory, diskDirectory].flatMap((each) => readdirSync(each));
  if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  const machine = describeMachine(memoryDirectory, diskDirectory);
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(`${seconds} s`);
  if (quick) return judge(done);
  const date = new Date().toISOString().slice(0, 10);
  // Rows that were not measured this time keep what they had.
  /** @type {ReturnType<typeof read>} */
  const before = only ? read() : { rows: [] };
  const kept = rows.map(({ id }) => [...done, ...before.rows].find((each) => each.id === id));
  // How long all of it took, not the part.
  const { seconds: whole = seconds } = before;
  write({ schema: 2, date, machine, seconds: whole, rows: kept.filter((each) => each !== undefined) });
}

/** @param {readonly RowResult[]} done */
function judge(done) {
  const found = defects(done, read().rows);
  for (const each of found) console.log(`FAR OFF: ${each}`);
  console.log(found.length === 0 ? 'no ratio is far off' : 'FAILED');
  process.exitCode = found.length === 0 ? 0 : 1;
}

/** What was measured before; nothing, if it was not, or by another schema. @returns {Pick<Results, 'rows'> & Partial<Results>} */
function read() {
  if (!existsSync(file)) return { rows: [] };
  const results = JSON.parse(readFileSync(file, 'utf8'));
  return results.schema === 2 ? results : { rows: [] };
}

/** @param {Results} results */
function write(results) {
  writeFileSync(file, `${JSON.stringify(results, (_, value) => rounded(value), 2)}\n`);
  writePlots(results, new URL('../docs/plots/', import.meta.url));
  writeFileSync(new URL('../docs/performance.md', import.meta.url), page(results));
}

/** Digits beyond the fourth say nothing, and make every run a larger difference. @param {unknown} value */
function rounded(value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
