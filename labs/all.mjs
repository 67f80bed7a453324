/** Runs every lab at full length, one after the other; fails if one fails. */

import { spawnSync } from 'node:child_process';
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

const failed = labs.filter((command) => {
  const [lab, ...options] = command.split(' ');
  const program = fileURLToPath(new URL(`${lab}/run.mjs`, import.meta.url));
  return spawnSync(process.execPath, [program, ...options], { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0;
});
console.log(failed.length > 0 ? `\nFAILED: ${failed.join(', ')}` : `\n${labs.length} labs ok`);
process.exitCode = failed.length > 0 ? 1 : 0;
