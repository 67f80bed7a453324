// @ts-check
import { once } from 'node:events';
import { SocketManager } from 'sockref';
import { startProgram } from '../lib/child.mjs';
import { measure } from '../lib/measure.mjs';
import { connected } from '../lib/net.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Socket } from 'node:net' */
/** @import { Row } from '../lib/types.mjs' */

const mebibyte = 2 ** 20;
const request = Buffer.alloc(64);

/** @type {Row} */
export const throughput = {
  id: 'throughput',
  title: 'Bytes and requests through a connection',
  words:
    'Through a connection of `reference.connect()`, and through one of `net.connect`, to the same server in another process. The ' +
    'library does not touch the bytes: both are sockets of Node, and the row measures that nothing was put in between. A request ' +
    'is 64 bytes there and back, one after the other. The *floor* is `net.connect` here.',
  run: async ({ memory, choose }) => {
    const path = `${memory}/throughput.sock`;
    const server = await startProgram('server');
    await server.ask('serve', path);
    const manager = new SocketManager();
    const reference = await manager.acquire(path);
    const ways = /** @type {const} */ ([
      { role: 'floor', name: '`net.connect`', open: () => connected(path) },
      { role: 'ours', name: '`reference.connect()`', open: () => reference.connect() },
    ]);
    const bytes = choose(64, 16) * mebibyte;
    const requests = choose(1000, 300);
    const rounds = choose(40, 9);
    const says = 'at least 0.97 of a plain connection';
    const groups = [
      await measure({
        name: 'bytes',
        unit: 'MiB/s',
        rounds,
        contenders: ways.map(({ open, ...way }) => ({
          ...way,
          sample: async () => [await receive(await open(), bytes)],
        })),
        targets: [ratio('bytes', 'floor', 0.97, { says: `bytes: ${says}`, must: 'at least' })],
      }),
      await measure({
        name: 'requests',
        unit: 'requests/s',
        rounds,
        contenders: ways.map(({ open, ...way }) => ({
          ...way,
          sample: async () => [await ask(await open(), requests)],
        })),
        targets: [ratio('requests', 'floor', 0.97, { says: `requests: ${says}`, must: 'at least' })],
      }),
    ];
    await manager.close();
    await server.ask('end');
    await server.end();
    return groups;
  },
};

/**
 * @param {Socket} socket
 * @param {number} bytes
 */
async function receive(socket, bytes) {
  const began = performance.now();
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  socket.write(`B${bytes}`);
  await once(socket, 'close');
  if (received !== bytes) throw new Error(`${received} bytes came instead of ${bytes}`);
  return bytes / mebibyte / ((performance.now() - began) / 1000);
}

/**
 * @param {Socket} socket
 * @param {number} times
 */
async function ask(socket, times) {
  const began = performance.now();
  const done = new Promise((resolve) => {
    let left = times;
    socket.on('data', () => {
      if (--left > 0) socket.write(request);
      else resolve(undefined);
    });
  });
  socket.write(request);
  await done;
  const seconds = (performance.now() - began) / 1000;
  socket.destroy();
  return times / seconds;
}
