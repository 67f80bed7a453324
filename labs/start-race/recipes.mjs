/** Ways to get one server for a socket. Each takes a path, and returns what it needs to continue. */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import lockfile from 'proper-lockfile';
import { acquire, SocketManager } from 'sockref';
import { readWho, sayWho } from '../lib/identity.mjs';
import { stop } from '../lib/signals.mjs';

/**
 * @typedef {object} Outcome
 * @property {boolean} serves whether this process listens now, or has a keeper that does
 * @property {string | undefined} connectedTo which process answered it; undefined if none did
 * @property {() => Promise<void>} end
 */

/** How often the recipes without the library start over before they give up. */
const maxAttempts = 200;

/**
 * `connect`, refused, `unlink`, `bind`: what most programs do.
 *
 * @param {string} path
 * @returns {Promise<Outcome>}
 */
async function naive(path) {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const outcome = await connectOrListen(path);
    if (outcome) return outcome;
  }
  return { serves: false, connectedTo: undefined, end: async () => {} };
}

/**
 * The same with the steps under a lock of proper-lockfile, so that one process at a time does them.
 *
 * @param {string} path
 * @returns {Promise<Outcome>}
 */
async function properLockfile(path) {
  const unlock = await lockfile.lock(path, {
    realpath: false,
    // The shortest that it allows: it decides how long a lock of a dead process blocks the others.
    stale: 2000,
    retries: { retries: maxAttempts, factor: 1.5, minTimeout: 1, maxTimeout: 50, randomize: true },
  });
  try {
    return await naive(path);
  } finally {
    await unlock();
  }
}

/**
 * @param {string} path
 * @returns {Promise<Outcome>}
 */
async function sockref(path) {
  const reference = await acquire(path, { serve: sayWho });
  const connectedTo = await readWho(await reference.connect());
  return { serves: reference.role === 'owner', connectedTo, end: () => reference.close() };
}

/**
 * The same with a command as the server.
 *
 * @param {string} path
 * @param {string[]} command
 * @returns {Promise<Outcome>}
 */
async function sockrefCommand(path, command) {
  const reference = await acquire(path, { server: { command } });
  const connectedTo = await readWho(await reference.connect());
  return { serves: false, connectedTo, end: () => reference.close() };
}

/**
 * One attempt; undefined if another process was faster.
 *
 * @param {string} path
 * @returns {Promise<Outcome | undefined>}
 */
async function connectOrListen(path) {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return { serves: false, connectedTo: await readWho(socket), end: async () => {} };
  } catch {
    // No process listens there.
    socket.destroy();
  }
  rmSync(path, { force: true });
  const server = createServer(sayWho);
  try {
    server.listen({ path });
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const own = connect({ path });
  own.on('error', () => {});
  return { serves: true, connectedTo: await readWho(own), end: () => close(server) };
}

/** @param {import('node:net').Server} server */
async function close(server) {
  server.close();
  await once(server, 'close');
}

/** @type {Record<string, (path: string, command: string[]) => Promise<Outcome>>} */
export const recipes = {
  sockref,
  'sockref, a command': sockrefCommand,
  naive,
  'proper-lockfile': properLockfile,
  'proper-lockfile, stale lock': properLockfile,
};

/**
 * The references of predecessors until they are killed. A dropped reference would be released when it is collected.
 *
 * @type {unknown[]}
 */
const kept = [];

/**
 * Leaves at a path what a killed owner of each recipe would leave. The caller kills this process, and then the process
 * whose id it returns.
 *
 * @type {Record<string, (path: string, command: string[]) => Promise<unknown>>}
 */
export const predecessors = {
  sockref: async (path) => void kept.push(await acquire(path, { serve: sayWho })),
  // Its keeper must be killed with it, before it notices the end of its member. The server survives.
  'sockref, a command': async (path, command) => {
    kept.push(await acquire(path, { server: { command } }));
    const info = await SocketManager.default.inspect(path);
    if (info?.owner) await stop(info.owner.pid);
    return info?.owner?.pid;
  },
  naive: listen,
  'proper-lockfile': listen,
  'proper-lockfile, stale lock': async (path) => {
    await listen(path);
    await lockfile.lock(path, { realpath: false, stale: 2000, onCompromised: () => {} });
  },
};

/** @param {string} path */
async function listen(path) {
  const server = createServer(sayWho);
  server.listen({ path });
  await once(server, 'listening');
}
