// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** @import { Group, Results } from './types.mjs' */

/**
 * Draws each group that wants it.
 *
 * @param {Results} results
 * @param {URL} folder
 */
export function writePlots({ rows }, folder) {
  mkdirSync(folder, { recursive: true });
  for (const group of rows.flatMap(({ groups }) => groups)) {
    if (group.plot) writeFileSync(new URL(group.plot.file, folder), draw(group));
  }
}

/**
 * The medians as lines, with logarithmic axes: what is flat in them is flat.
 *
 * @param {Group} group
 */
function draw({ figures, unit, plot }) {
  const points = figures.filter(({ x }) => x !== undefined);
  const sizes = [...new Set(points.map(({ x }) => /** @type {number} */ (x)))];
  const series = [...new Set(points.map((point) => point.series))];
  const values = points.flatMap(({ median, p99 }) => [median, p99]);
  // Whole decades, so that a flat curve does not look steep.
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const { document } = parseHTML('<!doctype html><body></body>');
  const last = Math.max(...sizes);
  const svg = Plot.plot({
    document,
    width: 760,
    height: 380,
    marginTop: 56,
    marginLeft: 64,
    marginRight: 24,
    marginBottom: 48,
    style: { background: 'white', color: '#1f2328', fontFamily: 'system-ui, sans-serif', fontSize: '12px' },
    x: {
      type: 'log',
      label: plot?.x ?? '',
      ticks: sizes,
      tickFormat: (/** @type {number} */ x) => x.toLocaleString('en-US'),
      labelAnchor: 'center',
      labelArrow: 'none',
    },
    y: {
      type: 'log',
      domain: [low, high],
      label: `${unit} per operation`,
      grid: true,
      labelArrow: 'none',
      ticks: Math.round(Math.log10(high / low)),
      tickFormat: (/** @type {number} */ y) => y.toLocaleString('en-US'),
    },
    color: { domain: series, range: ['#0550ae', '#bc4c00', '#6e7781'] },
    marks: [
      Plot.areaY(points, { x: 'x', y1: 'median', y2: 'p99', fill: 'series', fillOpacity: 0.12 }),
      Plot.lineY(points, { x: 'x', y: 'median', stroke: 'series', strokeWidth: 2 }),
      Plot.dot(points, { x: 'x', y: 'median', fill: 'series', r: 3.5 }),
      Plot.text(
        points.filter(({ x }) => x === last),
        { x: 'x', y: 'median', text: 'series', fill: 'series', textAnchor: 'end', dy: -12, fontWeight: 600 },
      ),
      Plot.text([plot?.title ?? ''], { frameAnchor: 'top-left', dy: -46, fontSize: 15, fontWeight: 600 }),
      Plot.text(['lines: median; shaded: up to p99; both axes logarithmic'], {
        frameAnchor: 'top-left',
        dy: -28,
        fill: '#57606a',
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
