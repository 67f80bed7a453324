/** The files of a killed owner: two sockets without a listener, a private directory, and a record that names all. */

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** A process that has ended. */
const dead = spawnSync('true').pid;

const temporary = '.sr-00000000deadbeef';

/**
 * Makes the files of a dead owner, without the owner: a process for each trial would take most of the time.
 *
 * @param {string} path
 */
export async function leaveStale(path) {
  const directory = join(dirname(path), temporary);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'left'), '');
  const lines = [{ sockref: 1, pid: dead, start: '1', since: Date.now() }, { temporary }];
  for (const name of [path, `${path}.ctl`]) {
    const server = createServer();
    const at = join(directory, 'bound');
    server.listen(at);
    await once(server, 'listening');
    linkSync(at, name);
    // Node removes only the name at which it bound.
    server.close();
    await once(server, 'close');
    const { dev, ino } = lstatSync(name, { bigint: true });
    lines.push(
      /** @type {any} */ ({ published: { name: basename(name), file: { dev: `${dev}`, ino: `${ino}`, birth: '0' } } }),
    );
  }
  writeFileSync(`${path}.lock`, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
}
