/** Runs every lab at full length, one after the other; fails if one fails. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Each with the options of its full length. */
const labs = [
  'start-race',
  'crash',
  'keeper-crash',
  'errors',
  'errors --python 1',
  'errors --programs 1',
  'chaos',
  'permission',
  'failover-time',
  'run-race',
  'restart',
];

/** @type {string[]} */
const failed = [];
for (const command of labs) {
  const [lab, ...options] = command.split(' ');
  const program = fileURLToPath(new URL(`${lab}/run.mjs`, import.meta.url));
  // By the channel a lab knows when this process has ended, and ends too.
  const child = spawn(process.execPath, [program, ...options], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) failed.push(command);
}
console.log(failed.length > 0 ? `\nFAILED: ${failed.join(', ')}` : `\n${labs.length} labs ok`);
process.exitCode = failed.length > 0 ? 1 : 0;
