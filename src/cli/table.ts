import Table from 'cli-table3';
import { paint } from './output.js';

/** A column: its heading, and to which side its cells are aligned. */
export type Column = readonly [heading: string, align?: 'right'];

const parts = [
  ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
];
/** No lines: columns are separated by two spaces, so that other programs can read the table. */
const chars = { ...Object.fromEntries(parts.map((part) => [part, ''])), middle: '  ' };

/** Formats rows in columns, each as wide as its longest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const layout = new Table({
    head: columns.map(([heading]) => paint(process.stdout, 'bold', heading)),
    colAligns: columns.map(([, align]) => align ?? 'left'),
    chars,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) layout.push([...row]);
  const lines = layout.toString().split('\n');
  return lines.map((line) => line.trimEnd()).join('\n');
}
