import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

/** Turns of the event loop between the first sign of a keeper and the moment at which its starter gives up. */
const moments = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Never ready, and ends when it is told to. */
const command = ['sh', '-c', 'trap exit TERM; while :; do sleep 0.01; done'];

it('an acquire that is given up at any moment of a start leaves nothing when its manager is closed', () =>
  withDirectory(async (directory) => {
    const path = join(directory, 'app.sock');
    for (const moment of moments) {
      const manager = new SocketManager();
      const faults: unknown[] = [];
      manager.on('fault', ({ error }) => void faults.push(error));
      const abort = new AbortController();
      const acquired = manager.acquire(path, { server: { command }, signal: abort.signal });
      const refused = expect(acquired).rejects.toMatchObject({ name: 'AbortError' });
      while (!existsSync(`${path}.ctl`)) await turn();
      for (let turns = 0; turns < moment; turns++) await turn();
      abort.abort();
      await refused;
      await manager.close();
      expect(readdirSync(directory), `after ${moment} turns`).toEqual([]);
      expect(faults).toEqual([]);
    }
  }));
