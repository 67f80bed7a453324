/** What the scenes stand on: numbered headings, lines that say what happened, and checks that it is true. */

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { styleText } from 'node:util';

// Node answers for NO_COLOR, FORCE_COLOR and dumb terminals; what is no terminal has no colours at all.
const coloured = process.stdout.isTTY === true && process.stdout.hasColors();

type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'red';

export function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text, { validateStream: false }) : text;
}

export function part(title: string): void {
  console.log(`\n${paint('bold', title)}`);
}

/** Letters on a line of text: what fits into a terminal of ordinary width, behind the indent. */
const textWidth = 74;

let scenes = 0;

export function scene(title: string): void {
  scenes++;
  console.log(`\n${paint('cyan', `${scenes}.`)} ${paint('bold', title)}`);
}

/** One line of the tour: what was done, and what came of it. */
export function say(what: string, result?: unknown): void {
  console.log(result === undefined ? `   ${what}` : `   ${what.padEnd(43)} ${paint('green', String(result))}`);
}

/** A longer text, broken into lines. */
export function sayText(text: string): void {
  let line = '';
  for (const long of text.split(' ')) {
    const word = long.length > 50 ? `${long.slice(0, 30)}…${long.slice(-10)}` : long;
    if (line !== '' && line.length + word.length >= textWidth) {
      console.log(`      ${paint('dim', line)}`);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  console.log(`      ${paint('dim', line)}`);
}

/** The tour ends here if something is not as it tells. */
export function check(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new Error(`not as told: ${what} should be ${show(expected)}, and is ${show(actual)}`);
}

export function references(count: number): string {
  return count === 1 ? '1 reference' : `${count} references`;
}

/** The names in a directory, each with its mode: `srw------- tour.sock`. */
export function listing(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => `${permissions(join(directory, name))} ${name}`);
}

/** Says what lies in a directory. */
export function sayListing(directory: string): void {
  const lines = listing(directory);
  say('ls -A', lines.length === 0 ? '(nothing)' : undefined);
  for (const line of lines) say(`   ${paint('dim', line)}`);
}

/** Waits until something holds that no event tells of. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not as told: waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function permissions(path: string): string {
  const stats = lstatSync(path);
  const kind = stats.isSocket() ? 's' : stats.isDirectory() ? 'd' : '-';
  const bits = [...'rwxrwxrwx'].map((letter, at) => (stats.mode & (0o400 >> at) ? letter : '-'));
  return kind + bits.join('');
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
