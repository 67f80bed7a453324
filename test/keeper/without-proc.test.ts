import { readdirSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

it('a command serves and is ended where the system tells nothing about processes and sockets', () =>
  withDirectory(async (directory) => {
    const program = await start('server-without-proc.mjs', {
      under: ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'],
      args: [directory],
      env: { XDG_STATE_HOME: `${directory}/state` },
    });
    for (let mode = 0; mode < 2; mode++) {
      expect(await program.line()).toEqual({ answer: 'served', lives: false, left: ['state'] });
    }
    expect(await program.exited).toEqual({ code: 0, signal: null, stderr: '' });
    expect(readdirSync(directory)).toEqual(['state']);
    rmSync(`${directory}/state`, { recursive: true });
  }));
