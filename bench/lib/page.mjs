// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { opening } from './opening.mjs';
import { table, verdict } from './table.mjs';

/** @import { Group, Results, RowResult } from './types.mjs' */

/**
 * The page of the documentation: results, and what was written by hand about each row in bench/notes.
 *
 * @param {Results} results
 */
export function page({ date, machine, seconds, rows }) {
  const { processor, cores, memory, system, node, directories } = machine;
  return `# Performance

${opening(rows)}

## How it was measured

\`npm run bench\` generates this page from \`bench/results.json\` and \`bench/notes\`. [bench/](../bench/README.md) says how it measures.

Measured on ${date}, on ${cores} cores (${processor}) with ${memory}, ${system}, Node ${node}; ${directories}. It took ${Math.round(seconds / 60)} minutes.
In each round all contenders of a table ran in turn, so that other work of the machine affected all of them. The ratios are therefore valid even
where the times are not. Times are per operation. *Of the floor* and *of the peer* are the medians, over the rounds, of the ratio
within a round. Ours is in bold. The **floor** is the least work that any solution must do for a part of the same effect. The
**peer** is what users would choose instead.

## In short

${summary(rows)}

${rows.map(section).join('\n')}`;
}

/** @param {readonly RowResult[]} rows */
function summary(rows) {
  const lines = rows.flatMap(({ title, groups }) =>
    groups
      .flatMap(({ targets }) => targets)
      .filter(({ remark }) => !remark)
      .map(
        ({ says, value, met }, index) =>
          `| ${index === 0 ? `[${title}](#${anchor(title)})` : ''} | ${says} | ${show(value)} | ${met ? 'met' : '**not met**'} |`,
      ),
  );
  return ['| row | target | measured | |', '| --- | --- | --: | --- |', ...lines].join('\n');
}

/** @param {RowResult} row */
function section({ id, title, words, groups }) {
  const notes = new URL(`../notes/${id}.md`, import.meta.url);
  const written = existsSync(notes) ? `\n${readFileSync(notes, 'utf8').trim()}\n` : '';
  return `## ${title}\n\n${words}\n\n${groups.map(part).join('\n')}${written}`;
}

/** @param {Group} group */
function part(group) {
  const { targets, plot } = group;
  const lines = targets.map((target) => `- ${verdict(target)}`);
  const picture = plot ? `\n![${plot.title}](plots/${plot.file})\n` : '';
  return `${table(group)}\n${picture}${lines.length > 0 ? `\n${lines.join('\n')}\n` : ''}`;
}

/** As GitHub makes it of a heading. @param {string} title */
function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** @param {number} value */
function show(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}
