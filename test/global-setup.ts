/** Runs once, before the first test file. */

import { execFileSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';

/**
 * Puts the interpreter first on PATH if `python3` is a script that looks for one, because tests start Python hundreds of times.
 */
export function setup(): void {
  const interpreter = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  process.env['PATH'] = [dirname(interpreter), process.env['PATH']].join(delimiter);
}
