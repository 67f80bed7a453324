/** Runs every lab at full length, one after the other; fails if one fails. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const labs = ['start-race', 'crash', 'keeper-crash', 'chaos', 'permission', 'failover-time', 'run-race', 'restart'];

const failed = labs.filter((lab) => {
  const program = fileURLToPath(new URL(`${lab}/run.mjs`, import.meta.url));
  return spawnSync(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0;
});
console.log(failed.length > 0 ? `\nFAILED: ${failed.join(', ')}` : `\n${labs.length} labs ok`);
process.exitCode = failed.length > 0 ? 1 : 0;
