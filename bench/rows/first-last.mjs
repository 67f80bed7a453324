// @ts-check
import lockfile from 'proper-lockfile';
import { SocketManager } from 'sockref';
import { startAndStop } from '../lib/least.mjs';
import { measure, repeated } from '../lib/measure.mjs';
import { close, hangUp, listen } from '../lib/net.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Row } from '../lib/types.mjs' */

/** @type {Row} */
export const firstLast = {
  id: 'first-last',
  title: 'First reference and last',
  words:
    'From no file to a served socket with its lock, record and control socket, and back to an empty directory. The floor is ' +
    "`net.Server`'s `listen` and `close`: one socket, no lock, no count, and a mode that is set too late. The peer is the same " +
    'within a lock of proper-lockfile. One table is for a runtime directory, which is in memory. The other is for a disk, where ' +
    'each removed file waits for the journal of the file system. *The system calls that the promises need, bare* is what the ' +
    'protocol itself costs in Node, without the library.',
  run: async ({ memory, disk, quick, choose }) => {
    const manager = new SocketManager();
    const groups = [];
    for (const { name, id, directory } of [
      { name: 'in memory', id: 'memory', directory: memory },
      // What else is written to the disk decides what it costs there: nothing to be judged by a few rounds.
      ...(quick ? [] : [{ name: 'on disk', id: 'disk', directory: disk }]),
    ]) {
      groups.push(
        await measure({
          name,
          unit: 'µs',
          rounds: choose(20, 5),
          contenders: [
            repeated('floor', '`listen` + `close`', () => listenAndClose(`${directory}/floor.sock`)),
            repeated('ours', 'first `acquire` + last `close`', async () =>
              (await manager.acquire(`${directory}/first.sock`, { serve: hangUp })).close(),
            ),
            repeated('beside', 'the system calls that the promises need, bare', () => startAndStop(directory)),
            repeated('peer', 'proper-lockfile `lock`, `listen`, `close`, `unlock`', async () => {
              const path = `${directory}/peer.sock`;
              const unlock = await lockfile.lock(path, { realpath: false });
              await listenAndClose(path);
              await unlock();
            }),
          ],
          targets: [
            ratio(`first-last-${id}-peer`, 'peer', 1, { says: `${name}: below the peer`, must: 'below' }),
            ratio(`first-last-${id}-floor`, 'floor', 8, { says: `${name}, of the floor`, remark: true }),
          ],
        }),
      );
    }
    await manager.close();
    return groups;
  },
};

/** @param {string} path */
async function listenAndClose(path) {
  await close(await listen(path, hangUp));
}
