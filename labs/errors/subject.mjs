/** The process in which calls fail. It carries out commands and answers with the outcome; an error is an answer, too. */

import { once } from 'node:events';
import { accessSync, readdirSync } from 'node:fs';
import { acquire, isSocketReferenceError, SocketManager } from 'sockref';
import { answer } from '../lib/child.mjs';
import { instance, readWho, sayWho } from '../lib/identity.mjs';

/** @typedef {import('sockref').SocketReference} SocketReference */

/**
 * The outcome of a call of the public API.
 *
 * @typedef {{value?: any, error?: {typed: boolean, code: string, text: string}}} Outcome
 */

const manager = SocketManager.default;

/** Its references, by path. @type {Map<string, SocketReference[]>} */
const held = new Map();

/** Faults besides the outcomes of the calls. @type {{typed: boolean, code: string, text: string}[]} */
const faults = [];
manager.on('fault', ({ error }) => faults.push(described(error)));
process.on('uncaughtException', (error) => faults.push({ ...described(error), typed: false }));

/** @type {Promise<unknown>} */
let failover = Promise.resolve();

answer({
  who: () => instance,
  arm: (spec) => accessSync(`/sockref-errors/arm/${spec}`),
  disarm: () => accessSync('/sockref-errors/disarm'),
  acquire: ({ path, serve, options }) =>
    outcome(async () => {
      const reference = await acquire(path, { ...(serve && { serve: sayWho }), ...options });
      held.set(path, [...(held.get(path) ?? []), reference]);
      return reference.role;
    }),
  clone: (path) =>
    outcome(() => {
      const references = held.get(path) ?? [];
      const [first] = references;
      if (first) references.push(first.clone());
    }),
  close: (path) => outcome(() => held.get(path)?.pop()?.close()),
  closeAll: async (path) => {
    const references = held.get(path) ?? [];
    held.delete(path);
    return Promise.all(references.map((reference) => outcome(() => reference.close())));
  },
  force: (path) => {
    held.delete(path);
    return outcome(async () => void (await manager.forceCleanupSocket(path)));
  },
  connect: (path) =>
    outcome(async () => {
      const [reference] = held.get(path) ?? [];
      // A server that ends without an answer is asked again, as any client would.
      for (;;) {
        const who = await readWho(await /** @type {SocketReference} */ (reference).connect({ timeoutMs: 4_000 }));
        if (who !== undefined) return who;
      }
    }),
  inspect: (path) => outcome(async () => summary(await manager.inspect(path))),
  list: (directory) => outcome(async () => (await manager.list(directory)).map(summary)),
  expectFailover: () => {
    const over = new AbortController();
    const how = { signal: over.signal };
    failover = Promise.race([once(manager, 'failover', how), once(manager, 'lost', how)]).finally(() => over.abort());
  },
  failover: () => outcome(() => failover.then(() => undefined)),
  state: (path) => {
    const references = held.get(path) ?? [];
    const [first] = references.filter(({ isActive }) => isActive);
    return {
      held: references.length,
      active: references.filter(({ isActive }) => isActive).length,
      count: first?.referenceCount ?? 0,
    };
  },
  descriptors: () => readdirSync('/proc/self/fd').length,
  sockets: () => manager.stats().activeSockets,
  faults: () => faults.splice(0),
});

/**
 * @param {() => unknown} work
 * @returns {Promise<Outcome>}
 */
async function outcome(work) {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: described(error) };
  }
}

/** @param {any} error */
function described(error) {
  const typed = isSocketReferenceError(error) || error?.name === 'AbortError';
  return {
    typed,
    code: String(error?.code ?? error?.name),
    text: String(typed ? error.message : (error?.stack ?? error)),
  };
}

/** @param {import('sockref').SocketInfo | undefined} info */
function summary(info) {
  return info && { path: info.path, state: info.state, references: info.references ?? null };
}
