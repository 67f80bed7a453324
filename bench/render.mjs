// @ts-check

/** @typedef {{ name: string, median: number, p99: number, ratio: number }} Row */
/** @typedef {{ machine: string, rounds: number, sections: { title: string, words: string, rows: Row[] }[] }} Results */

/** @param {readonly Row[]} rows */
export function table(rows) {
  const lines = rows.map(
    ({ name, median, p99, ratio }) => `| ${name} | ${time(median)} | ${time(p99)} | ${ratio.toFixed(2)} |`,
  );
  return ['| what | median | p99 | of the floor |', '| --- | --: | --: | --: |', ...lines].join('\n');
}

/** @param {Results} results */
export function page({ machine, rounds, sections }) {
  const parts = sections.map(({ title, words, rows }) => `## ${title}\n\n${words}\n\n${table(rows)}\n`);
  return `# Performance

This page is made by \`npm run bench\` from \`bench/results.json\`; what each row does is in [bench/](../bench/README.md).

Measured on ${machine}. In each of ${rounds} rounds all contenders of a table ran in turn, in one process, so that
their ratios hold even where the times do not: machines differ, and this one was shared. Times are per operation.

${parts.join('\n')}`;
}

/** @param {number} microseconds */
function time(microseconds) {
  return microseconds < 10 ? `${microseconds.toFixed(2)} µs` : `${Math.round(microseconds)} µs`;
}
