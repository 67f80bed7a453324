import { once } from 'node:events';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SocketManager } from 'sockref';
import { greeter } from './greeter.mjs';
import { check, listing, references, say, sayListing, scene } from './stage.mjs';

/** The garbage collector releases a handle that was not closed. @param {string} directory */
export async function collected(directory) {
  scene('A dropped handle is released when it is collected');
  const manager = new SocketManager({ traceLeaks: true });
  const kept = await manager.acquire('tour.sock', { serve: greeter() });
  const leak = once(manager, 'leak');
  await acquireAndForget(manager);
  check(kept.referenceCount, 2, 'the count with the forgotten one');
  say('one reference kept, one forgotten', references(kept.referenceCount));

  const event = await collectUntil(leak);
  check(event.path, kept.path, 'the path of the leak');
  check(kept.referenceCount, 1, 'the count after the collection');
  const place = /([\w.]+\.mjs:\d+)/.exec(event.trace ?? '')?.[1];
  check(place?.startsWith(basename(import.meta.url)), true, 'the place of the leak');
  say('garbage collection', references(kept.referenceCount));
  say("event 'leak': it was acquired at", place);

  await kept.close();
  check(listing(directory).length, 0, 'what is left in the directory');
  sayListing(directory);
}

/** @param {SocketManager} manager */
async function acquireAndForget(manager) {
  await manager.acquire('tour.sock');
}

/**
 * @param {Promise<unknown[]>} leak
 * @returns {Promise<import('sockref').LeakEvent>}
 */
async function collectUntil(leak) {
  // What `node --expose-gc` gives, without starting another process.
  setFlagsFromString('--expose-gc');
  const gc = /** @type {() => void} */ (runInNewContext('gc'));
  /** @type {unknown[] | undefined} */
  let event;
  const told = leak.then((args) => {
    event = args;
  });
  while (!event) {
    gc();
    await Promise.race([told, new Promise((resolve) => setImmediate(resolve))]);
  }
  return /** @type {import('sockref').LeakEvent} */ (event[0]);
}
