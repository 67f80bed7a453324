import { chmodSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { acquire, isSocketReferenceError } from 'sockref';
import { greeter } from './greeter.mjs';
import { check, listing, say, sayText, scene } from './stage.mjs';

/** Paths and directories that cannot be trusted are refused, and the message says what to do. @param {string} directory */
export async function paths(directory) {
  scene('Unsafe paths and directories are refused');
  await refused('/tmp/app/../../etc/app.sock', 'ERR_SOCKREF_INVALID_PATH');
  await refused(`${'x'.repeat(100)}.sock`, 'ERR_SOCKREF_PATH_TOO_LONG');

  const open = join(directory, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  await refused(join(open, 'app.sock'), 'ERR_SOCKREF_UNSAFE_DIRECTORY');
  check(listing(open).length, 0, 'what a refused acquire left');
  rmdirSync(open);
}

/**
 * @param {string} path
 * @param {string} code
 */
async function refused(path, code) {
  const reference = await acquire(path, { serve: greeter() }).catch((error) => error);
  if (!isSocketReferenceError(reference)) throw new Error(`not as told: ${path} was not refused`);
  check(reference.code, code, 'the code of the error');
  const shown = path.length > 30 ? `${path.slice(0, 3)}…${path.slice(-14)}` : path;
  say(`acquire('${shown}')`, reference.code);
  sayText(reference.message);
}
