/** Runs every npm script named `check:*`, all of them even if one fails: a new check is one more line in package.json. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** @type {{scripts: Record<string, string>}} */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const checks = Object.keys(manifest.scripts).filter((name) => name.startsWith('check:'));

// The CI script takes the list from here and runs the checks as its own steps.
if (process.argv.includes('--list')) {
  console.log(checks.join('\n'));
} else {
  const failed = checks.filter((name) => {
    console.log(`\n== ${name}`);
    return spawnSync('npm', ['run', '--silent', name], { stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0;
  });
  console.log(failed.length > 0 ? `\nFAILED: ${failed.join(', ')}` : `\n${checks.length} checks ok`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
