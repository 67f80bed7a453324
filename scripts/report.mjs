/** The report that a run of the suite leaves. */

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * @typedef {object} Report
 * @property {{
 *   name: string,
 *   status: string,
 *   startTime: number,
 *   endTime: number,
 *   assertionResults: {status: string, fullName: string, meta: {needs?: string}}[],
 * }[]} testResults
 */

/**
 * Undefined if there is none.
 *
 * @param {string | URL} file
 * @returns {Report | undefined}
 */
export function reportOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * The names of the failed tests, the skipped ones with the reason, and the number of passed ones.
 *
 * @param {Report | undefined} report
 * @param {string} checkout
 */
export function failuresOf(report, checkout) {
  const failures = report ? [] : ['there is no report of a test run'];
  /** @type {string[]} */
  const skipped = [];
  let passed = 0;
  for (const { name, status, assertionResults } of report?.testResults ?? []) {
    const file = name.startsWith(checkout) ? relative(checkout, name) : name.slice(name.lastIndexOf('/test/') + 1);
    // A file that cannot be loaded, or whose end fails, is a failure although none of its tests is.
    const own = assertionResults.filter((test) => test.status === 'failed');
    if (status === 'failed' && own.length === 0) failures.push(file);
    failures.push(...own.map(({ fullName }) => `${file} > ${fullName}`));
    passed += assertionResults.filter((test) => test.status === 'passed').length;
    for (const { status, fullName, meta } of assertionResults) {
      if (status !== 'passed' && status !== 'failed')
        skipped.push(`${file} > ${fullName} (${meta.needs ?? 'no reason'})`);
    }
  }
  return { failures, skipped, passed };
}
