// @ts-check

/** @import { Figure, RowResult, Target } from './types.mjs' */

/** The target of a group: judges its figures. @typedef {(figures: readonly Figure[]) => Target} Wanted */

/** How many times beyond its limit, and beyond the recorded one, a ratio counts as a defect on any machine. */
const farOff = 3;

/**
 * The ratio of ours to the floor or to the peer is to be small. If there are several of ours, the worst one counts.
 *
 * @param {string} id
 * @param {'floor' | 'peer'} of
 * @param {number} limit
 * @param {Pick<Target, 'says' | 'remark'> & {must?: Target['must'], only?: string}} how `only`: the name of the one that counts
 * @returns {Wanted}
 */
export function ratio(id, of, limit, { says, must = 'at most', only, remark }) {
  return (figures) => {
    const ours = figures.filter(({ role, name }) => role === 'ours' && (only === undefined || name === only));
    const worst = must === 'at least' ? Math.min : Math.max;
    const value = worst(...ours.map(({ ofFloor, ofPeer }) => (of === 'floor' ? ofFloor : ofPeer) ?? Number.NaN));
    const other = figures.find(({ role }) => role === of)?.best ?? Number.NaN;
    const best = worst(...ours.map((each) => each.best / other));
    return judged({ id, says, value, best, limit, must, of, kind: 'ratio', ...(remark && { remark }) });
  };
}

/**
 * Says whether a target is met.
 *
 * @param {Omit<Target, 'met'>} target
 * @returns {Target}
 */
export function judged(target) {
  const { value, limit, must } = target;
  const met = must === 'at least' ? value >= limit : must === 'below' ? value < limit : value <= limit;
  return { ...target, met };
}

/**
 * What is far off, compared with the limits and with an earlier run: by a factor, never by a percentage, and never in
 * absolute times.
 *
 * @param {readonly RowResult[]} rows
 * @param {readonly RowResult[]} recorded
 * @returns {string[]} in words
 */
export function defects(rows, recorded) {
  /** @type {string[]} */
  const found = [];
  for (const { id: row, groups } of rows) {
    const known = recorded.find(({ id }) => id === row)?.groups.flatMap(({ targets }) => targets) ?? [];
    /** @param {Target} target */
    const earlier = (target) => known.find(({ id }) => id === target.id);
    for (const { targets } of groups) {
      const far = targets.filter((target) => isFarOff(target, earlier(target)));
      // Other work on the machine makes a peer that waits for threads several times faster, and us not slower: the floor tells.
      const heldByFloor = targets.some((target) => target.of === 'floor' && !far.includes(target));
      for (const target of far) {
        if (target.of === 'peer' && heldByFloor) continue;
        const before = earlier(target);
        const was = before ? `, recorded ${before.value.toFixed(2)}` : '';
        found.push(`${row}: ${target.says}: ${target.value.toFixed(2)} (limit ${target.limit}${was})`);
      }
    }
  }
  return found;
}

/**
 * @param {Target} target
 * @param {Target | undefined} before
 */
function isFarOff({ kind, must, value, best = value, limit, met }, before) {
  if (kind === 'time') return false;
  if (kind === 'count') return !met;
  const known = before?.value ?? limit;
  // What else the machine does is no defect of ours: the better one of both counts. Not a number compares with nothing, so
  // what could not be measured is a defect, too.
  if (must === 'at least') return !(Math.max(value, best) >= Math.min(known, limit) / farOff);
  return !(Math.min(value, best) <= Math.max(known, limit) * farOff);
}
