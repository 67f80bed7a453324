/** Many processes share sockets, are stopped and killed, and an observer checks that the rules hold. See README.md. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SocketManager } from 'sockref';
import { inDirectory } from '../lib/directory.mjs';
import { Gate } from '../lib/gate.mjs';
import { askWho } from '../lib/identity.mjs';
import { labOptions } from '../lib/options.mjs';
import { newSeed } from '../lib/random.mjs';
import { progress, report } from '../lib/report.mjs';
import { compileServer } from '../lib/server.mjs';
import { until, within } from '../lib/until.mjs';
import { Cast, signal as send } from './cast.mjs';
import { countsThatAreNotTold } from './members.mjs';
import { fileAt, knock, lockHolders, strayFile } from './observer.mjs';
import { roundsPerCycle, schedule } from './schedule.mjs';
import { Witness } from './witness.mjs';

const { seconds, rounds, processes, endpoints, actions, seed, json } = labOptions({
  seconds: 180,
  rounds: 1_000_000,
  processes: 20,
  endpoints: 3,
  actions: 150,
  seed: newSeed(),
});

/** One of so many processes cannot serve, only join. */
const joiningShare = 5;
/** Ends a run that hangs. */
const watchdogMs = 120_000;
/** Milliseconds between two looks of the observer. */
const lookEveryMs = 5;
/** Milliseconds between two calls of the command line. */
const callEveryMs = 500;
/** How often stopped processes are continued, while everything ends. */
const continueEveryMs = 50;

const program = fileURLToPath(new URL('../../dist/bin/sockref.cjs', import.meta.url));
const manager = new SocketManager();
/** The activities beside the rounds. */
const gate = new Gate();

/** @type {string[]} */
const problems = [];
const figures = {
  ...{ seed, rounds: 0, actions: 0, flaps: 0, looks: 0, quietPoints: 0, references: 0, emptied: 0 },
  ...{ servers: 0, told: 0, asked: 0, called: 0, answers: 0, holders: 0 },
};
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
  'keepers killed or stopped': (done['killKeeper'] ?? 0) + (done['stopKeeper'] ?? 0),
  'servers killed or stopped': (done['killServer'] ?? 0) + (done['stopServer'] ?? 0),
  'servers started': figures.servers,
  'looks of the observer': figures.looks,
  'who holds it, asked': figures.asked,
  '… by the command line': figures.called,
  'answers that were judged': figures.answers,
  'holders named in them': figures.holders,
  'counts compared': figures.quietPoints,
  '… and told to 200 more members': figures.told,
  'references then': figures.references,
  'directory found empty': figures.emptied,
  'rules broken': problems.length,
}).map(([figure, value]) => ({ figure, value }));
const notes = [`Seed ${seed}; the same schedule again: --seed ${seed} --rounds ${figures.rounds} --seconds 86400`];
report({ lab: 'chaos', ok: problems.length === 0, rows, problems, notes, figures: { ...figures, done } }, json);

/** @param {string} directory */
async function run(directory) {
  const state = join(directory, 'state');
  const ledger = join(state, 'ledger');
  mkdirSync(state);
  // Keepers write their logs there. The path also marks them.
  process.env['XDG_STATE_HOME'] = state;
  const home = join(directory, 'd');
  mkdirSync(home, { mode: 0o700 });
  await play(home, state, ledger, compileServer(directory));
  figures.servers = existsSync(ledger) ? readFileSync(ledger, 'latin1').split('\n').length - 1 : 0;
}

/**
 * @param {string} directory for the sockets
 * @param {string} state
 * @param {string} ledger
 * @param {string} server
 */
async function play(directory, state, ledger, server) {
  const paths = Array.from({ length: endpoints }, (_, number) => join(directory, `e${number}.sock`));
  const foreign = join(directory, 'foreign.sock');
  const foreignServer = createServer((socket) => socket.end()).listen(foreign);
  const joining = Math.floor(processes / joiningShare);
  const cast = new Cast(processes, { paths, foreign, joining, program: server, ledger });
  await cast.all();
  const atFirst = fileAt(foreign);
  const observing = new AbortController();
  const witness = new Witness(join(state, '..'), cast);
  const observed = Promise.all([
    observe(cast, witness, paths, observing.signal),
    ask(witness, directory, paths, observing.signal),
    call(witness, directory, paths, observing.signal),
  ]);
  const deadline = performance.now() + seconds * 1000;
  for (const round of schedule({ seed, processes, endpoints, actions })) {
    const begun = await cast.begin(round);
    figures.rounds++;
    figures.actions += round.length;
    for (const { what, times } of round) if (what === 'flap') figures.flaps += times;
    await settle(cast, witness, begun);
    await compare(cast, witness, paths);
    if (fileAt(foreign) !== atFirst) problems.push('I2: the socket of a foreign program was removed or replaced');
    const over = performance.now() > deadline || figures.rounds >= rounds || problems.length > 0;
    if (over || figures.rounds % roundsPerCycle === 0) await empty(cast, witness, directory, paths);
    progress(`round ${figures.rounds}, ${figures.actions} actions, ${problems.length} problems`);
    if (over) break;
  }
  progress('');
  observing.abort();
  await observed;
  done = cast.done;
  for (const one of await cast.all()) await one.end();
  foreignServer.close();
}

/**
 * Looks continuously while things happen.
 *
 * @param {Cast} cast
 * @param {Witness} witness
 * @param {readonly string[]} paths
 * @param {AbortSignal} signal
 */
async function observe(cast, witness, paths, signal) {
  const locks = paths.map((path) => `${path}.lock`);
  while (!signal.aborted) {
    figures.looks++;
    witness.look();
    // One look takes some time, in which a lock can pass from one to the other: two owners are there in each of
    // several.
    const doubled = () =>
      [...lockHolders(locks, [...cast.pids, ...witness.keepers])].filter(([, pids]) => pids.length > 1);
    if (doubled().length > 0 && doubled().length > 0) {
      for (const [lock, pids] of doubled()) problems.push(`I1: ${lock} is locked by ${pids.join(' and ')}`);
    }
    for (const path of paths) {
      for (const name of [path, `${path}.ctl`]) {
        const stray = strayFile(name, `${path}.lock`);
        if (stray) problems.push(`I2: ${stray}`);
      }
    }
    await gate.pass(async () => paths.forEach(knock));
    await pause(lookEveryMs);
  }
}

/**
 * Asks continuously for the holders, and checks the answers.
 *
 * @param {Witness} witness
 * @param {string} directory
 * @param {readonly string[]} paths
 * @param {AbortSignal} signal
 */
async function ask(witness, directory, paths, signal) {
  while (!signal.aborted) {
    await gate.pass(async () => {
      const asked = performance.now();
      const answers = [manager.list(directory), ...paths.map((path) => manager.inspect(path))];
      figures.asked += answers.length;
      for (const answer of answers) judge(witness, [await answer].flat(), asked);
    });
    await pause(lookEveryMs);
  }
}

/**
 * The same through the command line, as a person would ask.
 *
 * @param {Witness} witness
 * @param {string} directory
 * @param {readonly string[]} paths
 * @param {AbortSignal} signal
 */
async function call(witness, directory, paths, signal) {
  const commands = [['ls', directory], ...paths.map((path) => ['inspect', path])];
  for (let turn = 0; !signal.aborted; turn++) {
    const command = commands[turn % commands.length] ?? [];
    await gate.pass(async () => {
      const asked = performance.now();
      const { stdout, stderr } = await sockref([...command, '--json']);
      figures.called++;
      // The socket may be unused at this moment, which is reported as an error.
      if (stdout === '' && !stderr.includes('No process serves'))
        problems.push(`sockref ${command.join(' ')}: ${stderr}`);
      if (stdout !== '') judge(witness, [JSON.parse(stdout)].flat(), asked);
    });
    await pause(callEveryMs);
  }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{stdout: string, stderr: string}>}
 */
function sockref(args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (_, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

/**
 * @param {Witness} witness
 * @param {readonly (import('sockref').SocketInfo | undefined)[]} answers
 * @param {number} asked when
 */
function judge(witness, answers, asked) {
  for (const info of answers) {
    if (!info) continue;
    figures.answers++;
    figures.holders += info.members.length + (info.owner ? 1 : 0);
    problems.push(...witness.lies(info, asked));
  }
}

/**
 * Continues the stopped processes, and waits until all operations are over.
 *
 * @param {Cast} cast
 * @param {Witness} witness
 * @param {readonly Promise<void>[]} begun
 */
async function settle(cast, witness, begun) {
  for (const one of await cast.all()) one.signal('SIGCONT');
  // Some are stopped only now, by operations that began before.
  const goOn = () => {
    for (const pid of [...witness.keepers, ...witness.servers]) send(pid, 'SIGCONT');
  };
  const timer = setInterval(goOn, continueEveryMs);
  if ((await within(Promise.all(begun), watchdogMs)) === 'late') problems.push('I3: something did not come to its end');
  clearInterval(timer);
  witness.look();
  goOn();
  problems.push(...cast.problems.splice(0));
}

/**
 * While nothing changes, compares what all processes say with the facts.
 *
 * @param {Cast} cast
 * @param {Witness} witness
 * @param {readonly string[]} paths
 */
async function compare(cast, witness, paths) {
  const all = await cast.all();
  const [anchor] = all;
  for (const [endpoint, path] of paths.entries()) {
    // There may have been no process that can serve. Now there is one, and every reference must have survived.
    const held = await within(
      /** @type {NonNullable<typeof anchor>} */ (anchor)
        .ask('acquire', { path, ...cast.by(0, endpoint) })
        .catch(String),
      watchdogMs,
    );
    if (typeof held === 'string') problems.push(`I4: ${path} cannot be acquired: ${held}`);
    const untold = await gate.hold(() => countsThatAreNotTold(path, anchor?.pid ?? 0, watchdogMs));
    figures.told++;
    if (untold) problems.push(`I5: ${path}: ${untold}`);
    await compareOne(cast, witness, path, cast.forced.has(endpoint));
    await anchor?.ask('close', { path });
  }
  for (const one of all) for (const fault of await one.ask('faults')) problems.push(`a fault in ${one.pid}: ${fault}`);
}

/**
 * @param {Cast} cast
 * @param {Witness} witness
 * @param {string} path
 * @param {boolean} forced whether a process has ended it by force since all references were released
 */
async function compareOne(cast, witness, path, forced) {
  const all = await cast.all();
  /** @type {{held: number, active: number, stopped: number, count: number, role: string, lost?: string[]}[]} */
  let states = [];
  let total = 0;
  const right = await until(async () => {
    states = await Promise.all(all.map((one) => one.ask('state', path)));
    total = states.reduce((sum, { active }) => sum + active, 0);
    return states.every(({ held, active, count }) => held === active && (active === 0 || count === total));
  }, watchdogMs);
  figures.quietPoints++;
  figures.references += total;
  if (!forced && states.some(({ stopped }) => stopped > 0)) problems.push(`I3: ${path} was stopped, and not by force`);
  if (!right)
    problems.push(`I5: ${path}: ${total} in all: ${all.map(({ pid }, n) => `${pid} ${JSON.stringify(states[n])}`)}`);
  const owners = all.filter((_, place) => states[place]?.role === 'owner').map(({ pid }) => pid);
  // A server that was killed at the end restarts.
  await until(async () => (await whoAnswers(path)) !== undefined, watchdogMs);
  witness.look();
  const holders = lockHolders([`${path}.lock`], [...cast.pids, ...witness.keepers]).get(`${path}.lock`) ?? [];
  const who = await whoAnswers(path);
  const server = Number(who?.split('/')[0]);
  const [holder] = holders;
  const owner = witness.servers.includes(server) ? holder : server;
  // An owner that closed its own references continues for the others, and has none to ask; a keeper never has any.
  if (owners.some((pid) => pid !== owner) || holders.length !== 1 || holder !== owner) {
    problems.push(`I1: ${path}: owners ${owners}, the lock has ${holders}, and ${who} answers`);
  }
  const said = await manager.inspect(path);
  const { stdout } = await sockref(['inspect', path, '--json']);
  for (const info of [said, stdout === '' ? undefined : JSON.parse(stdout)]) {
    const wrong = all.filter(({ pid }, place) => {
      const told = [info?.owner, ...(info?.members ?? [])].find((each) => each?.pid === pid);
      return (told?.references ?? 0) !== states[place]?.active;
    });
    const isServer = (info?.server ?? info?.owner)?.pid === server;
    if (info?.references !== total || info.owner?.pid !== owner || !isServer || wrong.length > 0) {
      problems.push(`${path} has ${total} references, and ${who} answers; it is told: ${JSON.stringify(info)}`);
    }
  }
  const reached = all.filter((_, place) => (states[place]?.active ?? 0) > 0).map((one) => one.ask('connect', path));
  for (const reply of await Promise.all(reached)) {
    if (reply !== who) problems.push(`I3: ${path}: ${reply} answers one member, and ${who} another`);
  }
}

/**
 * Undefined without an answer, even if a process listens and does not accept.
 *
 * @param {string} path
 */
async function whoAnswers(path) {
  const answer = await within(askWho(path), watchdogMs);
  return answer === 'late' ? undefined : answer.who;
}

/**
 * Makes all processes release their references, and checks that nothing is left.
 *
 * @param {Cast} cast
 * @param {Witness} witness
 * @param {string} directory
 * @param {readonly string[]} paths
 */
async function empty(cast, witness, directory, paths) {
  const all = await cast.all();
  await Promise.all(all.flatMap((one) => paths.map((path) => one.ask('closeAll', path))));
  cast.forced.clear();
  // An acquire that was given up may still undo its steps.
  const isEmpty = await until(() => readdirSync(directory).join() === 'foreign.sock', watchdogMs);
  figures.emptied++;
  if (!isEmpty) problems.push(`I4: left behind: ${readdirSync(directory).join(', ')}`);
  const isOver = await until(() => {
    witness.look();
    return witness.keepers.length + witness.servers.length === 0;
  }, watchdogMs);
  if (!isOver) problems.push(`I4: still there: keepers ${witness.keepers}, servers ${witness.servers}`);
}
