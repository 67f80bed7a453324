// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
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
    '`sockref run NAME -- true` while another process serves NAME. The process starts, takes a reference, runs a command, and ' +
    'releases the reference. The floor is a Node that starts and does nothing. `flock FILE true`, written in C, is what a shell ' +
    'script would use for exclusion; it shows what starting Node costs. From its second start on `sockref` uses code that V8 ' +
    'compiled the first time, from the cache directory of the user; the line below shows the time without it. *Until the command ' +
    'starts* is how much later a command begins when `sockref run` runs it; `date` tells when it runs.',
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
        command('beside', 'the same with `NODE_DISABLE_COMPILE_CACHE=1`', [
          'env',
          'NODE_DISABLE_COMPILE_CACHE=1',
          process.execPath,
          program,
          'run',
          path,
          '--',
          'true',
        ]),
        command('beside', '`flock FILE true`', ['flock', file, 'true']),
      ],
      targets: [ratio('cli', 'floor', 2, { says: 'at most 2x of the floor' })],
    });
    const dated = await measure({
      name: 'until the command starts',
      unit: 'ms',
      rounds: choose(30, 5),
      contenders: [
        {
          role: 'ours',
          name: 'added by `sockref run NAME --`',
          sample: async () => {
            const alone = await untilDate([]);
            return [(await untilDate([process.execPath, program, 'run', path, '--'])) - alone];
          },
        },
      ],
    });
    // Held until here: one that is dropped is released once it is collected.
    await reference.close();
    rmSync(file, { force: true });
    return [group, dated];
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

/**
 * Milliseconds until a `date` behind these words tells the time.
 *
 * @param {readonly string[]} words
 */
async function untilDate(words) {
  const [program, ...args] = [...words, 'date', '+%s.%N'];
  const began = performance.timeOrigin + performance.now();
  const child = spawn(/** @type {string} */ (program), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return Number(said) * 1_000 - began;
}

/** @param {readonly [string, ...string[]]} command */
async function run([program, ...args]) {
  const began = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
  return performance.now() - began;
}
