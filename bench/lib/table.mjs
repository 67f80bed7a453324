// @ts-check

/** @import { Figure, Group, Target } from './types.mjs' */

/**
 * A group as a table of Markdown.
 *
 * @param {Group} group
 */
export function table({ name, unit, figures }) {
  const has = (/** @type {'ofFloor' | 'ofPeer'} */ key) => figures.some((figure) => figure[key] !== undefined);
  const extra = [...new Set(figures.flatMap((figure) => Object.keys(figure.extra ?? {})))];
  const columns = [
    {
      head: name || 'what',
      of: (/** @type {Figure} */ each) => (each.role === 'ours' ? `**${each.name}**` : each.name),
    },
    { head: 'median', of: (/** @type {Figure} */ each) => quantity(each.median, unit) },
    { head: 'p99', of: (/** @type {Figure} */ each) => quantity(each.p99, unit) },
    ...(has('ofFloor') ? [{ head: 'of the floor', of: (/** @type {Figure} */ each) => times(each.ofFloor) }] : []),
    ...(has('ofPeer') ? [{ head: 'of the peer', of: ofPeer }] : []),
    ...extra.map((head) => ({ head, of: (/** @type {Figure} */ each) => each.extra?.[head] ?? '' })),
  ];
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...figures.map((figure) => line(columns.map(({ of }) => of(figure)))),
  ].join('\n');
}

/** How many times its lower end the upper one is before both are shown. */
const swings = 2;

/** The peer can wait for threads or for the disk, and then differs much with the load. @param {Figure} figure */
function ofPeer({ ofPeer: middle, peerEnds }) {
  if (!peerEnds || peerEnds.high < swings * peerEnds.low) return times(middle);
  return `${times(middle)} (${times(peerEnds.low)} to ${times(peerEnds.high)})`;
}

/**
 * What became of a target, in words.
 *
 * @param {Target} target
 */
export function verdict({ says, value, limit, must, met, kind, remark }) {
  if (remark) return `${says}: ${times(value)}.`;
  const shown = kind === 'ratio' ? times(value) : number(value);
  return `Target: ${says}. ${met ? 'Met' : '**Not met**'}: ${shown} (${must} ${number(limit)}).`;
}

/** @param {number | undefined} ratio */
function times(ratio) {
  return ratio === undefined ? '' : ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1);
}

/**
 * A value in the unit in which it can be read.
 *
 * @param {number} value
 * @param {string} unit
 */
export function quantity(value, unit) {
  if (unit === 'µs' && value < 1) return `${number(value * 1000)} ns`;
  if (unit === 'µs' && value >= 10_000) return `${number(value / 1000)} ms`;
  if (unit === 'bytes' && value >= 10_000) return `${number(value / 1024)} KiB`;
  return `${number(value)} ${unit}`;
}

/** @param {number} value */
function number(value) {
  const digits =
    Math.abs(value) < 10 && !Number.isInteger(value) ? 2 : Math.abs(value) < 100 && !Number.isInteger(value) ? 1 : 0;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
