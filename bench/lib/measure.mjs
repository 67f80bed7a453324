// @ts-check
import { Bench } from 'tinybench';
import { endsByRounds, median, quantile, ratioByRounds } from './statistics.mjs';

/** @import { Contender, Figure, Group, Plot, Role } from './types.mjs' */
/** @import { Wanted } from './targets.mjs' */

/**
 * Milliseconds for which each contender runs before it counts: the engine compiles what is long for some thousand
 * calls.
 */
const warmupMs = 1_500;

/** Milliseconds of each round in which a contender of this process runs. */
const roundMs = 50;

/**
 * Measures the contenders of a group in turn, round by round, so that a machine whose speed drifts is as unfair to all
 * of them.
 *
 * @param {object} group
 * @param {string} [group.name]
 * @param {string} group.unit more is better in those that end in `/s`
 * @param {readonly Contender[]} group.contenders
 * @param {number} group.rounds
 * @param {readonly Wanted[]} [group.targets]
 * @param {Plot} [group.plot]
 * @returns {Promise<Group>}
 */
export async function measure({ name = '', unit, contenders, rounds, targets = [], plot }) {
  /** @type {number[][][]} */
  const samples = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      samples[index]?.push([...(await contender.sample(round))]);
      // One contender's garbage must not slow down the next one. Not a full collection: that
      // also throws away compiled code, which some contenders then need longer to regain than the round lasts.
      globalThis.gc?.({ type: 'minor' });
    }
  }
  const middles = samples.map((of) => of.map((round) => median(round)));
  const against = (/** @type {Role} */ role) => middles[contenders.findIndex((each) => each.role === role)];
  const floor = against('floor');
  const peer = against('peer');
  /** @type {Figure[]} */
  const figures = contenders.map(({ name: contender, role, x, series, extra }, index) => {
    const all = /** @type {number[][]} */ (samples[index]).flat();
    const own = /** @type {number[]} */ (middles[index]);
    return {
      name: contender,
      role,
      ...(x !== undefined && { x }),
      ...(series !== undefined && { series }),
      median: median(all),
      p99: quantile(all, 0.99),
      samples: all.length,
      best: unit.endsWith('/s') ? Math.max(...own) : Math.min(...own),
      ...(floor && { ofFloor: ratioByRounds(own, floor) }),
      ...(peer && role !== 'floor' && { ofPeer: ratioByRounds(own, peer), peerEnds: endsByRounds(own, peer) }),
      ...(extra && { extra: extra() }),
    };
  });
  return { name, unit, figures, targets: targets.map((judge) => judge(figures)), ...(plot && { plot }) };
}

/**
 * A contender that runs in this process, in microseconds per operation.
 *
 * @param {Role} role
 * @param {string} name
 * @param {() => void | Promise<void>} run does `batch` operations, so that the clock's own cost does not count
 * @param {number} [batch]
 * @returns {Contender}
 */
export function repeated(role, name, run, batch = 1) {
  return { role, name, sample: (round) => timed(run, batch, round === 0) };
}

/**
 * Runs something for a while; microseconds per operation, one for each run.
 *
 * @param {() => void | Promise<void>} run
 * @param {number} batch operations of a run
 * @param {boolean} first whether it has not run before, and has to become warm
 * @returns {Promise<number[]>}
 */
export async function timed(run, batch, first) {
  const bench = new Bench({
    time: roundMs,
    iterations: 3,
    warmup: first,
    warmupTime: quick ? roundMs : warmupMs,
    retainSamples: true,
    throws: true,
  });
  // Given, because it would otherwise find out with a call that it does not await.
  bench.add('run', run, { async: true });
  const [task] = await bench.run();
  const result = /** @type {{ latency?: { samples?: readonly number[] } } | undefined} */ (task?.result);
  return (result?.latency?.samples ?? []).map((ms) => (ms * 1000) / batch);
}

/** Whether this run is a short one; child processes know by their arguments. */
const quick = process.argv.includes('--quick');
