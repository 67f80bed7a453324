// @ts-check
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { SocketManager } from 'sockref';
import { measure } from '../lib/measure.mjs';
import { hangUp } from '../lib/net.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Contender, Role, Row } from '../lib/types.mjs' */

const program = (/** @type {string} */ name) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
const node = process.execPath;
const empty = [node, '-e', '0'];

/** @type {Row} */
export const fresh = {
  id: 'fresh',
  title: 'A fresh process',
  words:
    'What a user waits for who starts a program: Node, the import of the package, and the first acquire in this process. The floor is a ' +
    'Node that starts and does nothing; for Python it is an interpreter that does nothing. *Joins* means: another process serves the ' +
    'socket, and the program acquires, closes and ends. *At once* is the time until the last one of so many programs has ended.',
  run: async ({ memory, choose }) => {
    const manager = new SocketManager();
    const path = `${memory}/fresh.sock`;
    const reference = await manager.acquire(path, { serve: hangUp });
    const es = [node, program('fresh.mjs'), 'join', path];
    const rounds = choose(20, 4);
    const whole = await measure({
      name: 'whole programs',
      unit: 'ms',
      rounds,
      contenders: [
        started('floor', '`node -e 0`', empty),
        started('beside', '`import "sockref"`, and nothing else', [node, program('fresh-import.mjs')]),
        started('ours', 'joins, as an ES module', es),
        started('ours', 'joins, in CommonJS', [node, program('fresh.cjs'), path]),
      ],
      targets: [ratio('fresh-join', 'floor', 1.7, { says: 'within 1.7x of the floor' })],
    });
    const crowds = [];
    for (const count of [8, 16]) {
      crowds.push(
        await measure({
          name: `${count} at once`,
          unit: 'ms',
          rounds: choose(8, 2),
          contenders: [
            started('floor', `${count} times \`node -e 0\``, empty, count),
            started('ours', `${count} that join`, es, count),
          ],
          targets: [ratio(`fresh-${count}`, 'floor', 1.7, { says: `${count} at once: within 1.7x of the floor` })],
        }),
      );
    }
    const serving = await measure({
      name: 'the first acquire in a process, which serves',
      unit: 'ms',
      rounds,
      contenders: [
        {
          role: 'ours',
          name: 'from the call until the reference',
          sample: async (round) => [await firstAcquire(`${memory}/${round}.sock`)],
        },
      ],
    });
    const python = interpreter();
    const inPython = python
      ? await measure({
          name: 'in Python',
          unit: 'ms',
          rounds,
          contenders: [
            started('floor', '`python3 -c pass`', [python, '-c', 'pass']),
            started('ours', 'joins', [python, program('fresh.py'), path]),
          ],
        })
      : undefined;
    await reference.close();
    return [whole, ...crowds, serving, ...(inPython ? [inPython] : [])];
  },
};

/**
 * A program that is started once, or several times at once, and runs to its end.
 *
 * @param {Role} role
 * @param {string} name
 * @param {readonly string[]} command
 * @returns {Contender}
 */
function started(role, name, command, count = 1) {
  return {
    role,
    name,
    sample: async () => {
      const began = performance.now();
      await Promise.all(Array.from({ length: count }, () => run(command)));
      return [performance.now() - began];
    },
  };
}

/** Milliseconds that the acquire of a fresh process took. @param {string} path */
async function firstAcquire(path) {
  return Number(await run([node, program('fresh.mjs'), 'serve', path]));
}

/** @param {readonly string[]} command */
async function run([file, ...args]) {
  const PYTHONPATH = fileURLToPath(new URL('../../python/src', import.meta.url));
  const child = spawn(/** @type {string} */ (file), args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONPATH },
  });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}`);
  return said;
}

/** The interpreter itself: `python3` may be a script that looks for one. Undefined if there is none. */
function interpreter() {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  } catch {
    // The other groups do not need it.
    return undefined;
  }
}
