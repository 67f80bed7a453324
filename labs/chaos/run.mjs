/** Many processes share sockets, are stopped and killed, and an observer checks that the rules hold. See README.md. */

import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inDirectory } from '../lib/directory.mjs';
import { askWho } from '../lib/identity.mjs';
import { labOptions } from '../lib/options.mjs';
import { newSeed } from '../lib/random.mjs';
import { progress, report } from '../lib/report.mjs';
import { until, within } from '../lib/until.mjs';
import { Cast } from './cast.mjs';
import { fileAt, knock, lockHolders, strayFile } from './observer.mjs';
import { roundsPerCycle, schedule } from './schedule.mjs';

const { seconds, rounds, processes, endpoints, actions, seed, json } = labOptions({
  seconds: 180,
  rounds: 1_000_000,
  processes: 20,
  endpoints: 3,
  actions: 150,
  seed: newSeed(),
});

/** Of this many processes one cannot serve, only join. */
const joiningShare = 5;
/** It ends what hangs. */
const watchdogMs = 40_000;
/** Milliseconds between two looks of the observer. */
const lookEveryMs = 5;

/** @type {string[]} */
const problems = [];
const figures = { seed, rounds: 0, actions: 0, flaps: 0, looks: 0, quietPoints: 0, references: 0, emptied: 0 };
/** @type {Record<string, number>} */
let done = {};

await inDirectory(run);
const rows = Object.entries({
  processes,
  endpoints,
  rounds: figures.rounds,
  actions: figures.actions,
  acquires: (done['acquire'] ?? 0) + (done['hasty'] ?? 0),
  'acquired and closed at once': figures.flaps,
  kills: done['kill'] ?? 0,
  exits: done['quit'] ?? 0,
  stops: done['stop'] ?? 0,
  'looks of the observer': figures.looks,
  'counts compared': figures.quietPoints,
  'references then': figures.references,
  'directory found empty': figures.emptied,
  'rules broken': problems.length,
}).map(([figure, value]) => ({ figure, value }));
const notes = [`Seed ${seed}; the same schedule again: --seed ${seed} --rounds ${figures.rounds} --seconds 86400`];
report({ lab: 'chaos', ok: problems.length === 0, rows, problems, notes, figures: { ...figures, done } }, json);

/** @param {string} directory */
async function run(directory) {
  const paths = Array.from({ length: endpoints }, (_, number) => join(directory, `e${number}.sock`));
  const foreign = join(directory, 'foreign.sock');
  const stranger = createServer((socket) => socket.end()).listen(foreign);
  const cast = new Cast(processes, { paths, foreign, joining: Math.floor(processes / joiningShare) });
  await cast.all();
  const atFirst = fileAt(foreign);
  const observing = new AbortController();
  const observed = observe(cast, paths, observing.signal);
  const deadline = performance.now() + seconds * 1000;
  for (const round of schedule({ seed, processes, endpoints, actions })) {
    const begun = await cast.begin(round);
    figures.rounds++;
    figures.actions += round.length;
    for (const { what, times } of round) if (what === 'flap') figures.flaps += times;
    await settle(cast, begun);
    await compare(cast, paths);
    if (fileAt(foreign) !== atFirst) problems.push('I2: the socket of a stranger was removed or replaced');
    const over = performance.now() > deadline || figures.rounds >= rounds || problems.length > 0;
    if (over || figures.rounds % roundsPerCycle === 0) await empty(cast, directory, paths);
    progress(`round ${figures.rounds}, ${figures.actions} actions, ${problems.length} problems`);
    if (over) break;
  }
  progress('');
  observing.abort();
  await observed;
  done = cast.done;
  for (const one of await cast.all()) await one.end();
  stranger.close();
}

/**
 * Looks all the time while things happen.
 *
 * @param {Cast} cast
 * @param {readonly string[]} paths
 * @param {AbortSignal} signal
 */
async function observe(cast, paths, signal) {
  const locks = paths.map((path) => `${path}.lock`);
  while (!signal.aborted) {
    figures.looks++;
    // One look takes some time, in which a lock can pass from one to the other: two owners are there in each of several.
    const doubled = () => [...lockHolders(locks, cast.pids)].filter(([, pids]) => pids.length > 1);
    if (doubled().length > 0 && doubled().length > 0) {
      for (const [lock, pids] of doubled()) problems.push(`I1: ${lock} is locked by ${pids.join(' and ')}`);
    }
    for (const path of paths) {
      for (const name of [path, `${path}.ctl`]) {
        const stray = strayFile(name, `${path}.lock`);
        if (stray) problems.push(`I2: ${stray}`);
      }
      knock(path);
    }
    await pause(lookEveryMs);
  }
}

/**
 * Lets those that were stopped go on, and waits until everything that was begun is over.
 *
 * @param {Cast} cast
 * @param {readonly Promise<void>[]} begun
 */
async function settle(cast, begun) {
  for (const one of await cast.all()) one.signal('SIGCONT');
  if ((await within(Promise.all(begun), watchdogMs)) === 'late') problems.push('I3: something did not come to its end');
  problems.push(...cast.problems.splice(0));
}

/**
 * Compares, while nothing moves, what everybody says with what there is.
 *
 * @param {Cast} cast
 * @param {readonly string[]} paths
 */
async function compare(cast, paths) {
  const all = await cast.all();
  const [anchor] = all;
  for (const path of paths) {
    // There may be nobody left who can serve; now there is, and every reference must have outlived that.
    const held = await within(
      /** @type {NonNullable<typeof anchor>} */ (anchor).ask('acquire', { path }).catch(String),
      watchdogMs,
    );
    if (typeof held === 'string') problems.push(`I4: ${path} cannot be acquired: ${held}`);
    await compareOne(cast, path);
    await anchor?.ask('close', { path });
  }
  for (const one of all) for (const fault of await one.ask('faults')) problems.push(`a fault in ${one.pid}: ${fault}`);
}

/**
 * @param {Cast} cast
 * @param {string} path
 */
async function compareOne(cast, path) {
  const all = await cast.all();
  /** @type {{held: number, active: number, count: number, role: string}[]} */
  let states = [];
  let total = 0;
  const right = await until(async () => {
    states = await Promise.all(all.map((one) => one.ask('state', path)));
    total = states.reduce((sum, { active }) => sum + active, 0);
    return states.every(({ held, active, count }) => held === active && (active === 0 || count === total));
  }, watchdogMs);
  figures.quietPoints++;
  figures.references += total;
  if (!right)
    problems.push(`I5: ${path}: ${total} in all: ${all.map(({ pid }, n) => `${pid} ${JSON.stringify(states[n])}`)}`);
  const owners = all.filter((_, place) => states[place]?.role === 'owner').map(({ pid }) => pid);
  const holders = lockHolders([`${path}.lock`], cast.pids).get(`${path}.lock`) ?? [];
  const { who } = await askWho(path);
  const server = Number(who?.split('/')[0]);
  // An owner that closed its own references goes on for the others, and has none to ask.
  if (owners.some((pid) => pid !== server) || holders.length !== 1 || holders[0] !== server) {
    problems.push(`I1: ${path}: owners ${owners}, the lock has ${holders}, and ${who} answers`);
  }
  const reached = all.filter((_, place) => (states[place]?.active ?? 0) > 0).map((one) => one.ask('connect', path));
  for (const reply of await Promise.all(reached)) {
    if (reply !== who) problems.push(`I3: ${path}: ${reply} answers one member, and ${who} another`);
  }
}

/**
 * Has everybody let go, and sees that nothing is left.
 *
 * @param {Cast} cast
 * @param {string} directory
 * @param {readonly string[]} paths
 */
async function empty(cast, directory, paths) {
  const all = await cast.all();
  await Promise.all(all.flatMap((one) => paths.map((path) => one.ask('closeAll', path))));
  // An acquire that was given up may still be busy with undoing what it had done.
  const isEmpty = await until(() => readdirSync(directory).join() === 'foreign.sock', watchdogMs);
  figures.emptied++;
  if (!isEmpty) problems.push(`I4: left behind: ${readdirSync(directory).join(', ')}`);
}
