/** A process that shares sockets, on command. It keeps its references by the endpoint's path. */

import { accessSync } from 'node:fs';
import { acquire, SocketManager } from 'sockref';
import { answer } from './child.mjs';
import { instance, readWho, sayWho } from './identity.mjs';

/** @typedef {import('sockref').SocketReference} SocketReference */

/** @type {Map<string, SocketReference[]>} */
const held = new Map();

/** How often each was ended by force. @type {Map<string, number>} */
const forced = new Map();

/** Faults that the library reported, as text: there must be none. @type {string[]} */
const faults = [];
SocketManager.default.on('fault', ({ error }) => faults.push(String(error instanceof Error ? error.stack : error)));

const { execPath } = process;

/** How long a client waits until it asks again, when a server ended without having answered; in milliseconds. */
const connectTimeoutMs = 20_000;

answer({
  who: () => instance,
  // Asks for a file that never exists: the trace of the system calls then shows where a phase begins and ends.
  mark,
  acquire: async ({
    path,
    serve = true,
    server = undefined,
    keeper = execPath,
    env = {},
    phase = undefined,
    options = {},
  }) => {
    Object.assign(process.env, env);
    // A program that starts a keeper in the place of Node, to trace it.
    process.execPath = keeper;
    const what = server ? { server } : serve ? { serve: sayWho } : {};
    const before = forced.get(path);
    const reference = await marked(phase, () => acquire(path, { ...what, ...options }));
    // The next command may have ended it by force before this line ran.
    if (reference.isActive || forced.get(path) === before) list(path).push(reference);
    return state(path);
  },
  clone: (path) => {
    const [first] = list(path);
    if (first?.isActive) list(path).push(first.clone());
    return state(path);
  },
  close: async ({ path, phase = undefined }) => {
    const reference = list(path).pop();
    await marked(phase, async () => reference?.close());
    return state(path);
  },
  closeAll: async (path) => {
    const references = list(path);
    held.delete(path);
    await Promise.all(references.map((reference) => reference.close()));
  },
  // Acquires and closes at once, so that the socket ends and begins again as often as possible.
  flap: async ({ path, serve, server = undefined, times, options }) => {
    const what = server ? { server } : serve ? { serve: sayWho } : {};
    for (let time = 0; time < times; time++) {
      const reference = await acquire(path, { ...what, ...options });
      if (!reference.isActive) throw new Error('an acquire ended in a reference that is not active');
      await reference.close();
    }
  },
  state,
  connect: async (path) => {
    const reference = list(path).find(({ isActive }) => isActive);
    return reference && connect(reference);
  },
  // Kills the owner, and waits until this process has taken over.
  takeOver: async ({ path, owner, phase }) => {
    const [reference] = list(path);
    const over = new Promise((resolve) => {
      SocketManager.default.once('failover', resolve);
    });
    await marked(phase, async () => {
      process.kill(owner, 'SIGKILL');
      await over;
    });
    return reference?.role;
  },
  // Ends the references of this process by force; these do not count as lost.
  force: async (path) => {
    held.delete(path);
    forced.set(path, (forced.get(path) ?? 0) + 1);
    await SocketManager.default.forceCleanupSocket(path);
  },
  inspect: async (path) => {
    const info = await SocketManager.default.inspect(path);
    return info && { references: info.references, owner: info.owner?.pid, server: info.server?.pid };
  },
  quit: () => process.exit(0),
  faults: () => faults,
});

/** @param {string} path */
function list(path) {
  const references = held.get(path) ?? [];
  held.set(path, references);
  return references;
}

/**
 * What this process knows of an endpoint. A command's server that one process ends by force ends for all: these references
 * are not held any more, and are counted.
 *
 * @param {string} path
 */
function state(path) {
  const references = list(path);
  const active = references.filter(({ isActive }) => isActive);
  const ended = references.filter(({ isActive }) => !isActive).map(({ signal }) => signal.reason);
  const stopped = ended.filter(({ code, reason }) => code === 'ERR_SOCKREF_CLOSED' && reason === 'stopped').length;
  const [first] = active;
  return {
    held: references.length - stopped,
    active: active.length,
    stopped,
    count: first?.referenceCount ?? 0,
    role: first?.role,
    ...(ended.length > stopped && { lost: [...new Set(ended.map(({ message }) => message))] }),
  };
}

/**
 * Connects until a server answers: a server that is killed meanwhile does not.
 *
 * @param {SocketReference} reference
 */
async function connect(reference) {
  const deadline = performance.now() + connectTimeoutMs;
  while (performance.now() < deadline) {
    try {
      const who = await readWho(await reference.connect({ timeoutMs: connectTimeoutMs }));
      if (who !== undefined) return who;
    } catch (error) {
      // Closed by another command meanwhile.
      if (!reference.isActive) return undefined;
      throw error;
    }
  }
  throw new Error('no server answered in time');
}

/**
 * @template Value
 * @param {string | undefined} phase
 * @param {() => Promise<Value>} work
 */
async function marked(phase, work) {
  if (phase === undefined) return work();
  mark('begin');
  const value = await work();
  mark('end');
  return value;
}

/** @param {string} where */
function mark(where) {
  try {
    accessSync(`/phase-of-the-crash-lab/${where}`);
  } catch {
    // The file never exists.
  }
}
