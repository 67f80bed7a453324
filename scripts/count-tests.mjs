/** Prints `N passed, N failed` from the report that the last test run left, and exits with 1 unless all was well. */

import { fileURLToPath } from 'node:url';
import { failuresOf, reportOf } from './report.mjs';

const report = reportOf(new URL('../coverage/tests.json', import.meta.url));
const { passed, failures, skipped } = failuresOf(report, fileURLToPath(new URL('../', import.meta.url)));
for (const test of skipped) console.log(`skipped: ${test}`);
console.log(`${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
