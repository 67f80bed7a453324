/** How a lab ends: a table for people or a line of JSON, and an exit status that says whether all was well. */

/** @typedef {Record<string, string | number>} Row */

/**
 * Prints the result of a lab.
 *
 * @param {object} result
 * @param {string} result.lab its name
 * @param {boolean} result.ok whether everything was as it must be
 * @param {Row[]} result.rows the table of figures
 * @param {string[]} result.problems what was not as it must be, in words
 * @param {object} [result.figures] the same figures, for programs
 * @param {string[]} [result.notes] what a reader of the figures has to know
 * @param {boolean} json
 */
export function report(result, json) {
  process.exitCode = result.ok ? 0 : 1;
  if (json) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(`\n${result.lab}\n`);
  console.log(table(result.rows));
  for (const note of result.notes ?? []) console.log(`\n${note}`);
  // An observer sees the same problem many times.
  for (const problem of new Set(result.problems)) console.log(`\nPROBLEM: ${problem}`);
  console.log(result.ok ? '\nok' : '\nFAILED');
}

/**
 * Says on the error stream how far a lab is; the output proper stays clean.
 *
 * @param {string} text
 */
export function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/**
 * @param {Row[]} rows
 * @returns {string}
 */
function table(rows) {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line, index) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        // Numbers stand to the right, under the end of their heading.
        return typeof rows[Math.max(0, index - 1)]?.[names[column] ?? ''] === 'number'
          ? cell.padStart(width)
          : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines.join('\n');
}
