/** Helpers of the scenes: numbered headings, lines that say what happened, and checks that it is true. */

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { styleText } from 'node:util';

// Node evaluates NO_COLOR, FORCE_COLOR and dumb terminals. Without a terminal there are no colours.
const coloured = process.stdout.isTTY === true && process.stdout.hasColors();

/**
 * @param {'bold' | 'dim' | 'cyan' | 'green' | 'red'} style
 * @param {string} text
 */
export function paint(style, text) {
  return coloured ? styleText(style, text, { validateStream: false }) : text;
}

/** @param {string} title */
export function part(title) {
  console.log(`\n${paint('bold', title)}`);
}

/** Letters on a line of text: what fits into a terminal of ordinary width, behind the indent. */
const textWidth = 74;

let scenes = 0;

/** @param {string} title */
export function scene(title) {
  scenes++;
  console.log(`\n${paint('cyan', `${scenes}.`)} ${paint('bold', title)}`);
}

/**
 * One line of the tour: what was done, and what came of it.
 *
 * @param {string} what
 * @param {unknown} [result]
 */
export function say(what, result) {
  console.log(result === undefined ? `   ${what}` : `   ${what.padEnd(43)} ${paint('green', String(result))}`);
}

/** A longer text, broken into lines. @param {string} text */
export function sayText(text) {
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

/**
 * Ends the tour if something is not as it says.
 *
 * @param {unknown} actual
 * @param {unknown} expected
 * @param {string} what
 */
export function check(actual, expected, what) {
  if (Object.is(actual, expected)) return;
  throw new Error(`not as told: ${what} should be ${show(expected)}, and is ${show(actual)}`);
}

/** @param {number} count */
export function references(count) {
  return count === 1 ? '1 reference' : `${count} references`;
}

/** The names in a directory, each with its mode: `srw------- tour.sock`. @param {string} directory */
export function listing(directory) {
  return readdirSync(directory)
    .sort()
    .map((name) => `${permissions(join(directory, name))} ${name}`);
}

/** Says what lies in a directory. @param {string} directory */
export function sayListing(directory) {
  const lines = listing(directory);
  say('ls -A', lines.length === 0 ? '(nothing)' : undefined);
  for (const line of lines) say(`   ${paint('dim', line)}`);
}

/**
 * Waits until something is true for which there is no event.
 *
 * @param {() => boolean | Promise<boolean>} holds
 * @param {string} what
 */
export async function until(holds, what) {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not as told: waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** @param {string} path */
function permissions(path) {
  const stats = lstatSync(path);
  const kind = stats.isSocket() ? 's' : stats.isDirectory() ? 'd' : '-';
  const bits = [...'rwxrwxrwx'].map((letter, at) => (stats.mode & (0o400 >> at) ? letter : '-'));
  return kind + bits.join('');
}

/** @param {unknown} value */
function show(value) {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
