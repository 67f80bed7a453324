/** Prints `N passed, N failed` from the report that the last test run left, and exits with 1 unless all was well. */

import { readFileSync } from 'node:fs';

const report = new URL('../coverage/tests.json', import.meta.url);

/**
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {boolean} success
 * @property {{status: string, assertionResults: unknown[]}[]} testResults
 */

/** @returns {{passed: number, failed: number, skipped: number}} */
function count() {
  /** @type {Report} */
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    console.error('There is no report of a test run.');
    return { passed: 0, failed: 1, skipped: 0 };
  }
  // A test file that cannot be loaded has no tests to count, and is a failure all the same.
  const unloadable = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = result.numFailedTests + unloadable.length;
  return { passed: result.numPassedTests, failed, skipped: result.numPendingTests };
}

const { passed, failed, skipped } = count();
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
