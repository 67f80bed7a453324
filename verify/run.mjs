// Explores the models in verify/ exhaustively, and shows that each mutant of them fails. Needs `spin` and a C compiler.
// Works in a temporary directory and leaves nothing behind. Exit code 0 only if every line is as expected.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('.', import.meta.url));

// Deeper than any path of the model; a search that meets it counts as a failure, not as a pass.
const MAX_DEPTH = 1_000_000;
// A search that needs more memory than this stops, and counts as a failure.
const MEMORY_LIMIT_MB = 6144;
// A watchdog for each program started here.
const TIMEOUT_MS = 300_000;

const USUAL = { PROCS: 3, CRASHES: 2, CYCLES: 2, CLEANINGS: 0 };
const CLEANER = { PROCS: 3, CRASHES: 1, CYCLES: 1, CLEANINGS: 1 };
const CLEANER_TWICE = { PROCS: 2, CRASHES: 2, CYCLES: 2, CLEANINGS: 1 };

const HAND_OVER = { CLAIMANTS: 2, CRASHES: 2, EXITS: 1, STARTS: 1, CLEANINGS: 0 };
const HAND_OVER_TWICE = { CLAIMANTS: 1, CRASHES: 2, EXITS: 1, STARTS: 2, CLEANINGS: 1 };
const EXIT = { THREADS: 3, CYCLES: 2 };

const RUNS = [
  { name: 'cleaner', bounds: CLEANER, expected: 'pass' },
  { name: 'protocol', bounds: USUAL, expected: 'pass' },
  { name: 'cleaner, two cycles', bounds: CLEANER_TWICE, expected: 'pass' },
  ...[
    'NO_RECHECK',
    'RECORD_AFTER_LINK',
    'DIRECTORY_UNNAMED',
    'STOP_IN_LATER_TICK',
    'UNLOCK_BEFORE_UNLINK',
    'CLOSE_BY_NAME',
  ].map((mutant) => ({ name: mutant, mutant, bounds: USUAL, expected: 'fail' })),
  ...['UNLINK_BY_NAME', 'DEPOSED_LEAVES_SOCKETS', 'FRESH_LOCK_FAILS', 'FAIL_WITHOUT_THE_LOCK', 'GIVE_UP_EARLY'].map(
    (mutant) => ({ name: mutant, mutant, bounds: CLEANER, expected: 'fail' }),
  ),
].map((task) => ({ model: 'sockref.pml', ...task }));

RUNS.push(
  { name: 'hand-over', model: 'hand-over.pml', bounds: HAND_OVER, expected: 'pass' },
  { name: 'hand-over, cleaner', model: 'hand-over.pml', bounds: HAND_OVER_TWICE, expected: 'pass' },
  ...[
    { mutant: 'HANDED_OVER_STILL_REGISTERED', bounds: HAND_OVER },
    { mutant: 'HANDED_OVER_UNLOCKED', bounds: HAND_OVER },
    { mutant: 'ADOPTED_WITHOUT_RECHECK', bounds: HAND_OVER_TWICE },
  ].map((task) => ({ name: task.mutant, model: 'hand-over.pml', ...task, expected: 'fail' })),
  { name: 'exit', model: 'exit.pml', bounds: EXIT, expected: 'pass' },
  ...['CLOSED_STILL_REGISTERED', 'REGISTERED_IN_LATER_TICK'].map((mutant) => ({
    name: mutant,
    model: 'exit.pml',
    mutant,
    bounds: EXIT,
    expected: 'fail',
  })),
);

async function explore({ model, mutant, bounds, expected }, cwd) {
  const defines = Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`);
  if (mutant) defines.push(`-DMUTANT_${mutant}`);
  const options = { cwd, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
  await copyFile(join(FOLDER, model), join(cwd, model));
  await run('spin', ['-a', ...defines, model], options);
  // COLLAPSE stores every state in full, only packed: nothing is hashed away.
  // A mutant fails early: there a quick build matters more than a quick search.
  const flags = [
    expected === 'pass' ? '-O1' : '-O0',
    '-w',
    '-DSAFETY',
    '-DCOLLAPSE',
    '-DVECTORSZ=2048',
    `-DMEMLIM=${MEMORY_LIMIT_MB}`,
  ];
  await run('cc', [...flags, '-o', 'pan', 'pan.c'], options);
  const started = performance.now();
  const { stdout } = await run('./pan', [`-m${MAX_DEPTH}`, '-w24'], options);
  const seconds = (performance.now() - started) / 1000;
  const states = Number(/^\s*(\d+) states, stored/m.exec(stdout)?.[1]);
  const errors = Number(/errors: (\d+)/.exec(stdout)?.[1]);
  const truncated = /Search not completed|max search depth too small|out of memory|reached -DMEMLIM/i.test(stdout);
  if (errors === 0 && !truncated && states > 0) return { result: 'pass', states, seconds, why: '' };
  if (errors > 0 && /invalid end state/.test(stdout.split('\n', 1)[0] ?? '')) {
    return { result: 'fail', states, seconds, why: 'invalid end state' };
  }
  if (errors > 0 && /assertion violated/.test(stdout)) {
    return { result: 'fail', states, seconds, why: await failedAssertion(model, defines, options) };
  }
  return { result: 'incomplete', states, seconds, why: stdout.slice(0, 300) };
}

/** The line of the model whose assertion failed, and the invariant that its comment, or its name, tells. */
async function failedAssertion(model, defines, options) {
  const { stdout } = await run('spin', ['-t', ...defines, model], options).catch((error) => error);
  const line = Number(/\.pml:(\d+), Error: assertion violated/.exec(stdout)?.[1]);
  const lines = (await readFile(join(FOLDER, model), 'utf8')).split('\n');
  return `${invariantsOf(callAt(lines, line - 1)).join(' or ')} line ${line}`.trim();
}

/** The text that begins in a line. For everything in a macro of several lines, spin names its first line. */
function callAt(lines, first) {
  let depth = 0;
  for (let last = first; last < lines.length; last++) {
    // Parentheses in comments belong to no call.
    const code = lines[last].replace(/\/\*.*?\*\//g, '');
    for (const sign of code) depth += sign === '(' ? 1 : sign === ')' ? -1 : 0;
    if (depth <= 0) return lines.slice(first, last + 1);
  }
  return [];
}

/** The invariants of the assertions in these lines, each once. */
function invariantsOf(lines) {
  const asserting = lines.filter((text) => /\bassert\b|\bI\d[_(]/.test(text));
  return [...new Set(asserting.flatMap((text) => text.match(/\bI\d(?=\b|_)/g) ?? []))];
}

async function inItsOwnDirectory(task) {
  const cwd = await mkdtemp(join(tmpdir(), 'sockref-verify-'));
  try {
    return await explore(task, cwd);
  } catch (error) {
    return { result: 'error', states: NaN, seconds: NaN, why: String(error.message).split('\n', 3).join(' ') };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

const waiting = [...RUNS.keys()];
const results = new Array(RUNS.length);
async function worker() {
  for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
    results[index] = await inItsOwnDirectory(RUNS[index]);
  }
}
const began = performance.now();
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));

const row = (...cells) => {
  const [name, bounds, expected, result, states, seconds, why] = cells;
  console.log(
    `${name.padEnd(28)} ${bounds.padEnd(10)} ${expected.padEnd(8)} ${result.padEnd(8)}` +
      ` ${states.padStart(10)} ${seconds.padStart(7)}  ${why}`.trimEnd(),
  );
};
row('name', 'bounds', 'expected', 'result', 'states', 'seconds', 'what failed');
for (const [index, task] of RUNS.entries()) {
  const { result, states, seconds, why } = results[index];
  const bounds = Object.values(task.bounds).join('/');
  row(task.name, bounds, task.expected, result, String(states), seconds.toFixed(1), why);
}
const unexpected = RUNS.filter((task, index) => results[index].result !== task.expected);
console.log('bounds: as the constants of this program name them, in their order');
console.log(
  `${RUNS.length} runs in ${((performance.now() - began) / 1000).toFixed(0)} s, ${unexpected.length} not as expected`,
);
process.exitCode = unexpected.length === 0 ? 0 : 1;
