/** Several processes meet one stale socket at the same moment. How many servers start? See README.md. */

import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { Process, startAll } from '../lib/process.mjs';
import { progress, report } from '../lib/report.mjs';
import { compileServer, serversOf } from '../lib/server.mjs';
import { kill } from '../lib/signals.mjs';
import { median, round, worst } from '../lib/statistics.mjs';
import { within } from '../lib/until.mjs';

const { rounds, commands, processes, python, json } = labOptions({
  rounds: 300,
  commands: 100,
  processes: 8,
  python: 0,
});

// The other recipes exist only for Node.
const ours = python > 0 ? ['sockref'] : ['sockref', 'sockref, a command'];
const recipes = python > 0 ? ours : [...ours, 'naive', 'proper-lockfile', 'proper-lockfile, stale lock'];
const racer = new URL('racer.mjs', import.meta.url);
const pythonRacer = new URL('../lib/participant.py', import.meta.url);
/** Rounds for which one process leaves stale sockets. Each costs it some descriptors. The languages take turns. */
const batch = python > 0 ? 5 : 50;
const watchdogMs = 120_000;

/**
 * @typedef {object} Figures
 * @property {string} recipe
 * @property {number} rounds
 * @property {number} otherThanOneServer
 * @property {number} notAllConnectedToIt
 * @property {number} leftovers
 * @property {number} medianMs
 * @property {number} worstMs
 */

/** @type {string[]} */
const problems = [];
const figures = await inDirectory(run);
for (const { recipe, otherThanOneServer, notAllConnectedToIt, leftovers } of figures) {
  if (!ours.includes(recipe) || otherThanOneServer + notAllConnectedToIt + leftovers === 0) continue;
  problems.push(`${recipe} did not end each time with one server, all processes connected to it, and nothing left`);
}
const ok = problems.length === 0 && figures.length > 0;
const rows = figures.map((line) => ({
  recipe: line.recipe,
  rounds: line.rounds,
  'not one server': line.otherThanOneServer,
  'not all connected to it': line.notAllConnectedToIt,
  'files or processes left': line.leftovers,
  'median ms': line.medianMs,
  'worst ms': line.worstMs,
}));
const languages = python > 0 ? `, ${python} of them in Python` : '';
const notes = [
  `${processes} processes each round${languages}; ms from the start signal until the last one is connected.`,
];
report({ lab: 'start-race', ok, rows, problems, notes, figures }, json);

/** @param {string} directory */
async function run(directory) {
  // Where keepers write their logs.
  process.env['XDG_STATE_HOME'] = join(directory, 'state');
  const command = [compileServer(directory), '{socket}'];
  const racers = [...(await startAll(processes - python, racer)), ...(await startAll(python, pythonRacer))];
  const names = await Promise.all(racers.map((one) => one.ask('who')));
  const results = recipes.map(() => /** @type {Round[]} */ ([]));
  for (let done = 0; done < rounds; done += batch) {
    // The recipes take turns, so that other work of the machine affects all of them.
    for (const [index, recipe] of recipes.entries()) {
      const all = isCommand(recipe) ? Math.min(commands, rounds) : rounds;
      const count = Math.max(0, Math.min(batch, all - done));
      // Every killed owner leaves the same.
      const dead = python > 0 && (done / batch) % 2 === 1 ? pythonRacer : racer;
      for (const path of await leaveStale(directory, recipe, command, count, dead)) {
        results[index]?.push(await race(racers, names, recipe, command, path));
        progress(`${recipe}: ${results[index]?.length} of ${all}`);
      }
    }
  }
  progress('');
  await Promise.all(racers.map((one) => one.end()));
  return recipes.map((recipe, index) => summary(recipe, results[index] ?? []));
}

/**
 * Leaves what a killed owner leaves, several times.
 *
 * @param {string} directory
 * @param {string} recipe
 * @param {string[]} command
 * @param {number} count
 * @param {URL} program
 */
async function leaveStale(directory, recipe, command, count, program) {
  const paths = Array.from({ length: count }, (_, index) => {
    const own = join(directory, `${Date.now().toString(36)}-${index}`);
    mkdirSync(own, { mode: 0o700 });
    return join(own, 's.sock');
  });
  const owner = await Process.start(program);
  const keepers = await owner.ask('precede', { recipe, paths, command });
  await owner.kill();
  await kill(...(keepers ?? []));
  // As if the killed process had been dead for longer than a lock file counts as fresh.
  const longAgo = Date.now() / 1000 - 60;
  if (recipe.endsWith('stale lock')) for (const path of paths) utimesSync(`${path}.lock`, longAgo, longAgo);
  return paths;
}

/**
 * @typedef {object} Round
 * @property {boolean} oneServer
 * @property {boolean} allConnected
 * @property {number} leftovers
 * @property {number} ms
 */

/**
 * @param {Process[]} racers
 * @param {string[]} names
 * @param {string} recipe
 * @param {string[]} command
 * @param {string} path
 * @returns {Promise<Round>}
 */
async function race(racers, names, recipe, command, path) {
  const began = performance.now();
  const outcomes = await Promise.all(
    racers.map((one) =>
      within(
        one.ask('go', { recipe, path, command }).catch((error) => ({ error })),
        watchdogMs,
      ),
    ),
  );
  const ms = performance.now() - began;
  const own = join(path, '..');
  // A server in a process reports itself. Commands are counted while they live, and each sends its pid to a client.
  const found = names.filter((_, index) => outcomes[index].serves);
  // With the slash: the names of other rounds may begin like this one.
  const living = isCommand(recipe) ? serversOf(`${own}/`) : [];
  const named = living.map(
    (pid) => outcomes.find(({ connectedTo }) => connectedTo?.startsWith(`${pid}/`))?.connectedTo,
  );
  const servers = isCommand(recipe) ? named : found;
  // Once more through the path, when all is quiet: this is the server that a new client reaches.
  const seen = await Promise.all(racers.map((one) => one.ask('look', path)));
  const [server] = servers;
  const allConnected =
    outcomes.every(({ connectedTo }) => connectedTo === server) && seen.every((who) => who === server);
  for (const { error } of outcomes) if (error) note(recipe, error);
  await Promise.all(racers.map((one) => one.ask('end')));
  const left = [...readdirSync(own), ...(isCommand(recipe) ? serversOf(`${own}/`).map((pid) => `server ${pid}`) : [])];
  if (ours.includes(recipe) && (servers.length !== 1 || !allConnected || left.length > 0)) {
    const answers = outcomes.map(({ connectedTo }) => connectedTo);
    problems.push(`${path}: ${living} live, ${servers} serve, ${answers} answered, then ${seen}; left: ${left}`);
  }
  const leftovers = left.length;
  return { oneServer: servers.length === 1, allConnected: server !== undefined && allConnected, leftovers, ms };
}

/**
 * @param {string} recipe
 * @param {Error} error
 */
function note(recipe, error) {
  if (ours.includes(recipe)) problems.push(error.stack ?? error.message);
}

/** @param {string} recipe */
function isCommand(recipe) {
  return recipe === 'sockref, a command';
}

/**
 * @param {string} recipe
 * @param {Round[]} done
 * @returns {Figures}
 */
function summary(recipe, done) {
  const times = done.map(({ ms }) => ms);
  return {
    recipe,
    rounds: done.length,
    otherThanOneServer: done.filter(({ oneServer }) => !oneServer).length,
    notAllConnectedToIt: done.filter(({ allConnected }) => !allConnected).length,
    leftovers: done.reduce((sum, { leftovers }) => sum + leftovers, 0),
    medianMs: round(median(times)),
    worstMs: round(worst(times)),
  };
}
