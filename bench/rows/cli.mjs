// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SocketManager } from 'sockref';
import { measure } from '../lib/measure.mjs';
import { hangUp } from '../lib/net.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Contender, Role, Row } from '../lib/types.mjs' */

/** @type {Row} */
export const cli = {
  id: 'cli',
  title: 'The command line',
  words:
    '`sockref run NAME -- true` while another process serves NAME: a process that starts, takes a reference, runs a command, and lets go. ' +
    'The floor is a Node that starts and does nothing. `flock FILE true`, written in C, is what a shell script would use for exclusion; it shows what ' +
    'starting Node costs.',
  run: async ({ memory, choose }) => {
    const program = installed();
    if (!program) return [];
    const manager = new SocketManager();
    const path = `${memory}/cli.sock`;
    const reference = await manager.acquire(path, { serve: hangUp });
    /** @type {(role: Role, name: string, command: readonly [string, ...string[]]) => Contender} */
    const command = (role, name, words) => ({ role, name, sample: async () => [await run(words)] });
    const file = `${memory}/flock`;
    const group = await measure({
      unit: 'ms',
      rounds: choose(30, 5),
      contenders: [
        command('floor', '`node -e 0`', [process.execPath, '-e', '0']),
        command('ours', '`sockref run NAME -- true`', [process.execPath, program, 'run', path, '--', 'true']),
        command('beside', '`flock FILE true`', ['flock', file, 'true']),
      ],
      targets: [ratio('cli', 'floor', 2, { says: 'at most 2x of the floor' })],
    });
    // Held until here: one that is dropped is released once it is collected.
    await reference.close();
    rmSync(file, { force: true });
    return [group];
  },
};

/** The program, if this package has one. */
function installed() {
  const root = new URL('../../', import.meta.url);
  const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const program = typeof bin === 'string' ? bin : bin?.sockref;
  if (program === undefined) return undefined;
  const path = fileURLToPath(new URL(program, root));
  return existsSync(path) ? path : undefined;
}

/** @param {readonly [string, ...string[]]} command */
async function run([program, ...args]) {
  const began = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
  return performance.now() - began;
}
