// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { pictures } from './opening.mjs';
import { quantity } from './table.mjs';

/** @import { Bars, Group, Results } from './types.mjs' */

/**
 * Draws each group that wants it, and the pictures of the opening.
 *
 * @param {Results} results
 * @param {URL} folder
 */
export function writePlots({ rows }, folder) {
  mkdirSync(folder, { recursive: true });
  for (const group of rows.flatMap(({ groups }) => groups)) {
    if (group.plot) writeFileSync(new URL(group.plot.file, folder), draw(group));
  }
  for (const picture of pictures(rows)) writeFileSync(new URL(picture.file, folder), drawBars(picture));
}

/** One for each curve; told apart also by who does not see all colours. */
const colors = ['#0550ae', '#bc4c00', '#1a7f37', '#6e7781'];

const style = { background: 'white', color: '#1f2328', fontFamily: 'system-ui, sans-serif', fontSize: '12px' };

/** How wide a picture is. */
const width = 760;

/** About as high as a line is. */
const lineHeight = 20;

/** About as wide as a letter is. */
const letterWidth = 6.9;

/** How wide a line of the legend may be. */
const legendWidth = 640;

/**
 * Where the entries of a legend begin, in as many lines as they need.
 *
 * @param {readonly string[]} series
 */
function legendOf(series) {
  let x = 0;
  let line = 0;
  return series.map((name) => {
    const width = (name.length + 4) * letterWidth;
    if (x > 0 && x + width > legendWidth) {
      x = 0;
      line++;
    }
    const at = { name, x, line };
    x += width;
    return at;
  });
}

/**
 * The medians as lines, with logarithmic axes: what is flat in them is flat.
 *
 * @param {Group} group
 */
function draw({ figures, unit, plot }) {
  const points = figures.filter(({ x }) => x !== undefined);
  const sizes = [...new Set(points.map(({ x }) => /** @type {number} */ (x)))];
  const series = [...new Set(points.map((point) => point.series ?? ''))];
  const legend = legendOf(series);
  const lines = 1 + Math.max(...legend.map(({ line }) => line));
  const above = lines * lineHeight;
  const values = points.flatMap(({ median, p99 }) => [median, p99]);
  // Whole decades, so that a flat curve does not look steep.
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const { document } = parseHTML('<!doctype html><body></body>');
  const decades = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, index) => low * 10 ** index);
  const text = (/** @type {number} */ value) => value.toLocaleString('en-US');
  const title = /** @type {const} */ ({ frameAnchor: 'top-left', lineAnchor: 'bottom' });
  const svg = Plot.plot({
    document,
    width,
    height: 380 + above,
    marginTop: 56 + above,
    marginLeft: 64,
    marginRight: 36,
    marginBottom: 48,
    style,
    x: { type: 'log' },
    y: { type: 'log', domain: [low, high], label: null },
    color: { domain: series, range: colors },
    marks: [
      Plot.gridY(decades),
      // With texts of their own, because a logarithmic axis omits some of its own.
      Plot.axisX(sizes, { text, label: plot?.x ?? '', labelAnchor: 'center', labelArrow: 'none' }),
      Plot.axisY(decades, { text }),
      Plot.areaY(points, { x: 'x', y1: 'median', y2: 'p99', fill: 'series', fillOpacity: 0.12 }),
      Plot.lineY(points, { x: 'x', y: 'median', stroke: 'series', strokeWidth: 2 }),
      Plot.dot(points, { x: 'x', y: 'median', fill: 'series', r: 3.5 }),
      Plot.text([`${plot?.title}, in ${unit}`], { ...title, dy: -above - 32, fontSize: 15, fontWeight: 600 }),
      Plot.text(['lines: median; shaded: up to p99; both axes logarithmic'], {
        ...title,
        dy: -above - 14,
        fill: '#57606a',
      }),
      ...legend.map(({ name, x, line }, index) =>
        Plot.text([`● ${name}`], {
          ...title,
          dx: x,
          dy: line * lineHeight - above + 6,
          fill: colors[index] ?? 'black',
          fontWeight: 600,
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

/** How high a bar is, with the space around it. */
const barHeight = 30;

/**
 * Values side by side, ours in colour, each with its name and its value.
 *
 * @param {Bars} picture
 */
function drawBars({ title, unit, bars }) {
  const { document } = parseHTML('<!doctype html><body></body>');
  const names = bars.map(({ name }) => name);
  const svg = Plot.plot({
    document,
    width,
    height: 44 + barHeight * bars.length,
    marginTop: 36,
    marginLeft: 24 + letterWidth * Math.max(...names.map(({ length }) => length)),
    marginRight: 96,
    marginBottom: 8,
    style,
    x: { axis: null, domain: [0, Math.max(...bars.map(({ value }) => value))] },
    y: { domain: names, label: null, tickSize: 0, padding: 0.25 },
    marks: [
      Plot.barX(bars, { x: 'value', y: 'name', fill: (bar) => (bar.ours ? colors[0] : '#afb8c1') }),
      Plot.text(bars, { x: 'value', y: 'name', text: (bar) => quantity(bar.value, unit), textAnchor: 'start', dx: 6 }),
      Plot.text([title.replaceAll('`', '')], {
        frameAnchor: 'top-left',
        lineAnchor: 'bottom',
        dx: 24 - letterWidth * Math.max(...names.map(({ length }) => length)),
        dy: -12,
        fontSize: 15,
        fontWeight: 600,
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
