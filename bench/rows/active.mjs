// @ts-check
import { setImmediate as turn } from 'node:timers/promises';
import { SocketManager } from 'sockref';
import { Handle } from '../lib/handle.mjs';
import { measure, repeated } from '../lib/measure.mjs';
import { rcMap } from '../lib/rc-map.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { SocketReference } from 'sockref' */
/** @import { Row } from '../lib/types.mjs' */

/** Operations between two looks at the clock. */
const batch = 1000;

/** References that are held at once over a turn of the event loop. */
const heldAtOnce = 100;

/** @type {Row} */
export const active = {
  id: 'active',
  title: 'A reference to a socket that is active in this process',
  words:
    'Takes a reference and closes it again, without a system call. The floor is a `Map` look-up, a counter and an entry in a ' +
    "`FinalizationRegistry`: the cost of a handle that is released even if it is forgotten. The peer is Effect's `RcMap`, get and " +
    'release, within one running program, which is its fastest way. *Over a turn* means that a hundred references are taken, the ' +
    'event loop turns once, and all of them are closed: the turn is a part of the time of each.',
  run: async ({ memory, choose }) => {
    const path = `${memory}/active.sock`;
    const manager = new SocketManager();
    const reference = await manager.acquire(path, { serve: (socket) => void socket.end() });
    const map = new Map([[path, { count: 1 }]]);
    const effect = rcMap(path);
    const get = () => new Handle(/** @type {{ count: number }} */ (map.get(path)));
    const rounds = choose(20, 5);
    const handles = await measure({
      name: 'at once',
      unit: 'µs',
      rounds,
      contenders: [
        repeated('floor', 'floor', () => repeat(() => get().close()), batch),
        repeated('ours', '`clone` + `close`', () => repeat(() => void reference.clone().close()), batch),
        repeated('ours', '`getExisting` + `close`', () => repeat(() => void manager.getExisting(path)?.close()), batch),
        repeated('peer', '`RcMap` get + release', effect.program(batch), batch),
      ],
      targets: [
        ratio('handles-peer', 'peer', 0.5, { says: 'at most half of the peer' }),
        ratio('handles-floor', 'floor', 1.5, { says: 'within 1.5x of the floor' }),
      ],
    });
    const promises = await measure({
      name: 'with `await`',
      unit: 'µs',
      rounds,
      contenders: [
        repeated('floor', 'floor with two promises', () => each(async () => (await soon(get())).close()), batch),
        repeated(
          'ours',
          '`await acquire` + `await close`',
          () => each(async () => (await manager.acquire(path)).close()),
          batch,
        ),
        repeated('peer', '`RcMap` get + release', effect.program(batch), batch),
        repeated('beside', '`RcMap` get + release, by `runPromise`', () => each(effect.promises), batch),
      ],
      targets: [ratio('acquire-peer', 'peer', 1, { says: 'below the peer', must: 'below' })],
    });
    const overTurn = await measure({
      name: 'over a turn of the event loop',
      unit: 'µs',
      rounds,
      contenders: [
        repeated('floor', 'floor', () => held(get), batch),
        repeated('ours', '`clone`, a turn, `close`', () => held(() => reference.clone()), batch),
        repeated(
          'ours',
          '`getExisting`, a turn, `close`',
          () => held(() => /** @type {SocketReference} */ (manager.getExisting(path))),
          batch,
        ),
      ],
      targets: [ratio('held-floor', 'floor', 1.5, { says: 'held over a turn: within 1.5x of the floor' })],
    });
    await reference.close();
    effect.end();
    return [handles, overTurn, promises];
  },
};

/**
 * Takes handles, lets the event loop turn, and closes them.
 *
 * @param {() => { close(): unknown }} take
 */
async function held(take) {
  for (let done = 0; done < batch; done += heldAtOnce) {
    const handles = Array.from({ length: heldAtOnce }, take);
    await turn();
    for (const handle of handles) void handle.close();
  }
}

/** @template Value @param {Value} value */
async function soon(value) {
  return value;
}

/** @param {() => void} call */
function repeat(call) {
  for (let i = 0; i < batch; i++) call();
}

/** @param {() => Promise<void>} call */
async function each(call) {
  for (let i = 0; i < batch; i++) await call();
}
