// @ts-check
import { SocketManager } from 'sockref';
import { startProgram } from '../lib/child.mjs';
import { measure } from '../lib/measure.mjs';
import { close, hangUp, listen } from '../lib/net.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Contender, Role, Row } from '../lib/types.mjs' */

/** @type {Row} */
export const join = {
  id: 'join',
  title: 'Join from another process, then leave',
  words:
    'Measured within a process that already runs: from no reference to a reference to a socket that another process serves, and ' +
    'back. The floor is a connection to a bare `net.Server` in that process, one message there and back, and the end of the ' +
    'connection. The library needs a second round trip, because leaving is answered too: for the last reference only the answer ' +
    "says that the files are gone. The peer is proper-lockfile's `lock` and `unlock`, which gives exclusion, not sharing.",
  run: async ({ memory, choose }) => {
    const manager = new SocketManager();
    const reference = await manager.acquire(`${memory}/join.sock`, { serve: hangUp });
    const echo = await listen(`${memory}/echo.sock`, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => void socket.write(data));
    });
    const joiner = await startProgram('joiner');
    /** @type {(role: Role, name: string, way: string, file: string) => Contender} */
    const way = (role, name, way, file) => ({
      role,
      name,
      sample: (round) => joiner.ask('measure', { way, path: `${memory}/${file}`, first: round === 0 }),
    });
    const group = await measure({
      unit: 'µs',
      rounds: choose(20, 5),
      contenders: [
        way('floor', 'connect, one round trip, close', 'roundTrip', 'echo.sock'),
        way('ours', '`acquire` + `close`', 'join', 'join.sock'),
        way('ours', '`acquire` with `serve` + `close`', 'joinAsPossibleOwner', 'join.sock'),
        way('beside', 'connect, two round trips, close', 'twoRoundTrips', 'echo.sock'),
        way('peer', 'proper-lockfile `lock` + `unlock`', 'lock', 'peer.sock'),
      ],
      targets: [
        ratio('join-peer', 'peer', 0.5, { says: 'of the peer', remark: true }),
        ratio('join-floor', 'floor', 2, { says: 'within 2x of the floor' }),
      ],
    });
    await joiner.end();
    await close(echo);
    await reference.close();
    return [group];
  },
};
