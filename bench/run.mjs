// @ts-check
import { existsSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './measure.mjs';
import { page, table } from './render.mjs';
import { active } from './rows/active.mjs';
import { cycle } from './rows/cycle.mjs';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const rounds = values.quick ? 2 : 20;

const disk = mkdtempSync(join(tmpdir(), 'sockref-bench-'));
const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sockref-bench-'));
const sections = [];
for (const row of [active, cycle]) {
  const { title, words, groups, end } = await row(disk, memory);
  const rows = [];
  for (const { floor, ours, note } of groups) {
    const [least, ...figures] = await measure([floor, ...ours], rounds);
    if (!least) throw new Error('no floor');
    for (const figure of [least, ...figures]) {
      const name = note ? `${figure.name}, ${note}` : figure.name;
      rows.push({ ...figure, name, ratio: figure.median / least.median });
    }
  }
  await end();
  sections.push({ title, words, rows });
  console.log(`\n${title}\n\n${table(rows)}`);
}
rmdirSync(disk);
rmdirSync(memory);

if (!values.quick) {
  const [cpu] = cpus();
  const machine = `${cpus().length} cores (${cpu?.model.trim()}), ${process.platform}, Node ${process.version}`;
  const results = { machine, rounds, sections };
  writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(new URL('../docs/performance.md', import.meta.url), page(results));
}
