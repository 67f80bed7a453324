/** A process that holds the socket by several managers. Each of them is a separate member. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { SocketManager } from 'sockref';
import { answer } from '../lib/child.mjs';
import { instance } from '../lib/identity.mjs';

/**
 * @typedef {object} Holding
 * @property {SocketManager} manager
 * @property {import('sockref').SocketReference} reference
 * @property {Promise<number>} attached when it has an owner again, on the clock that all processes share
 */

/** @type {Holding[]} */
let holdings = [];

/** Serves a connection as long as it lasts: sends the name of this process, and leaves it open. */
/** @param {import('node:net').Socket} socket */
function serve(socket) {
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.write(`${instance}\n`);
}

answer({
  own: async (path) => {
    const manager = new SocketManager();
    holdings.push({ manager, reference: await manager.acquire(path, { serve }), attached: Promise.resolve(0) });
  },
  hold: async ({ path, managers }) => {
    await Promise.all(Array.from({ length: managers }, () => hold(path)));
  },
  // Kills the owner. Measures how long it takes until a connection to it ends, and until a new one is answered.
  kill: async ({ path, owner }) => {
    const [{ reference }] = /** @type {[Holding]} */ (holdings);
    const plain = connect({ path });
    await once(plain, 'data');
    const closed = once(plain, 'close').then(now);
    plain.on('error', () => {});
    process.kill(owner, 'SIGKILL');
    const killed = now();
    const answered = firstAnswer(reference, owner).then(now);
    return { killed, closed: (await closed) - killed, answered: (await answered) - killed };
  },
  // When the last of the managers here had an owner again.
  attached: async () => Math.max(...(await Promise.all(holdings.map(({ attached }) => attached)))),
  counts: () => holdings.map(({ reference }) => (reference.isActive ? reference.referenceCount : 0)),
  end: async () => {
    const ending = holdings;
    holdings = [];
    await Promise.all(ending.map(({ manager }) => manager.close()));
  },
});

/** @param {string} path */
async function hold(path) {
  const manager = new SocketManager();
  const attached = new Promise((resolve) => manager.once('failover', () => resolve(now())));
  holdings.push({ manager, reference: await manager.acquire(path, { serve }), attached });
}

/**
 * Connects until a process other than the dead owner answers.
 *
 * @param {import('sockref').SocketReference} reference
 * @param {number} dead
 */
async function firstAnswer(reference, dead) {
  for (;;) {
    const socket = await reference.connect();
    const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])]).catch(() => [
      '',
    ]);
    socket.destroy();
    if (first !== '' && !String(first).startsWith(`${dead}/`)) return;
  }
}

/** Milliseconds on the clock that does not jump, and is the same in all processes. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}
