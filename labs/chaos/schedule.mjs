/** What the processes are told to do: nothing but a function of the seed, so that a run can be repeated. */

import { Random } from '../lib/random.mjs';

/**
 * @typedef {object} Action
 * @property {number} process which one, by its number
 * @property {'acquire' | 'hasty' | 'clone' | 'close' | 'connect' | 'inspect' | 'trespass' | 'force' | 'stop' | 'continue' | 'kill' | 'quit'} what
 * @property {number} endpoint which one, by its number
 * @property {number} pauseMs before it
 * @property {number} lingerMs of an acquire
 * @property {number} timeoutMs of a hasty acquire
 */

/** How often each action comes up, in relation to the others. */
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
});

const names = /** @type {(keyof typeof weights)[]} */ (Object.keys(weights));
const lottery = names.flatMap((name) => Array.from({ length: weights[name] }, () => name));

/** Half of the actions come at once, the others after so many milliseconds at most. */
const longestPauseMs = 4;

/**
 * One round after the other, without end.
 *
 * @param {{seed: number, processes: number, endpoints: number, actions: number}} how
 * @returns {Generator<Action[], never>}
 */
export function* schedule({ seed, processes, endpoints, actions }) {
  const random = new Random(seed);
  for (;;) {
    // Some rounds are fought over one endpoint, where there is the most to go wrong.
    const all = Array.from({ length: endpoints }, (_, number) => number);
    const scene = random.below(3) === 0 ? [random.below(endpoints)] : all;
    yield Array.from({ length: actions }, () => ({
      process: random.below(processes),
      what: random.pick(lottery),
      endpoint: random.pick(scene),
      pauseMs: random.below(2) === 0 ? 0 : random.next() * longestPauseMs,
      lingerMs: random.below(4) === 0 ? random.below(10) : 0,
      timeoutMs: 1 + random.below(15),
    }));
  }
}
