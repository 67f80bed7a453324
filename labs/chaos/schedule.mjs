/** The commands for the processes. They depend only on the seed, so that a run can be repeated. */

import { Random } from '../lib/random.mjs';

/**
 * @typedef {object} Action
 * @property {number} process which one, by its number
 * @property {'acquire' | 'flap' | 'hasty' | 'clone' | 'close' | 'connect' | 'inspect' | 'trespass' | 'force' | 'stop' |
 * 'continue' | 'kill' | 'quit' | 'killKeeper' | 'stopKeeper' | 'killServer' | 'stopServer'} what
 * @property {number} endpoint which one, by its number
 * @property {number} pauseMs before it
 * @property {number} lingerMs of an acquire
 * @property {number} times how often to flap: to acquire, and close at once
 * @property {number} timeoutMs of a hasty acquire
 */

/** How frequent each action is, in relation to the others. */
const weights = /** @type {const} */ ({
  acquire: 34,
  hasty: 4,
  clone: 10,
  close: 32,
  connect: 10,
  inspect: 3,
  trespass: 1,
  force: 1,
  stop: 2,
  continue: 3,
  kill: 3,
  quit: 1,
  killKeeper: 2,
  stopKeeper: 1,
  killServer: 1,
  stopServer: 1,
});

/** For a round in which no process keeps a reference: the socket starts and stops all the time. */
const flappingWeights = /** @type {const} */ ({
  flap: 20,
  hasty: 2,
  inspect: 2,
  stop: 1,
  continue: 1,
  kill: 2,
  killKeeper: 1,
});

/**
 * @param {Partial<Record<Action['what'], number>>} weighted
 * @returns {Action['what'][]}
 */
function lottery(weighted) {
  const names = /** @type {Action['what'][]} */ (Object.keys(weighted));
  return names.flatMap((name) => Array.from({ length: weighted[name] ?? 0 }, () => name));
}

const tickets = lottery(weights);
const flappingTickets = lottery(flappingWeights);

/** After so many rounds all references are released; the next round is a flapping one. */
export const roundsPerCycle = 3;

/** How often a process flaps in one action, at most. */
const mostFlaps = 20;

/** Half of the actions begin at once, the others after so many milliseconds at most. */
const longestPauseMs = 4;

/**
 * One round after the other, without end.
 *
 * @param {{seed: number, processes: number, endpoints: number, actions: number}} how
 * @returns {Generator<Action[], never>}
 */
export function* schedule({ seed, processes, endpoints, actions }) {
  const random = new Random(seed);
  for (let round = 0; ; round++) {
    const flapping = round % roundsPerCycle === 0;
    // Some rounds use one endpoint only, where most can go wrong.
    const all = Array.from({ length: endpoints }, (_, number) => number);
    const scene = flapping || random.below(3) === 0 ? [random.below(endpoints)] : all;
    yield Array.from({ length: actions }, () => ({
      process: random.below(processes),
      what: random.pick(flapping ? flappingTickets : tickets),
      endpoint: random.pick(scene),
      pauseMs: random.below(2) === 0 ? 0 : random.next() * longestPauseMs,
      times: 1 + random.below(mostFlaps),
      lingerMs: random.below(4) === 0 ? random.below(10) : 0,
      timeoutMs: 1 + random.below(15),
    }));
  }
}
