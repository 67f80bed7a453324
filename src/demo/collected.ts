import { once } from 'node:events';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type LeakEvent, SocketManager } from '../index.js';
import { greeter } from './greeter.js';
import { check, listing, references, say, sayListing, scene } from './stage.js';

/** A handle that nobody closed is released when the garbage collector takes it. */
export async function collected(directory: string): Promise<void> {
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
  const place = /([\w.]+\.js:\d+)/.exec(event.trace ?? '')?.[1];
  check(place?.startsWith(basename(import.meta.url)), true, 'the place of the leak');
  say('garbage collection', references(kept.referenceCount));
  say("event 'leak': it was acquired at", place);

  await kept.close();
  check(listing(directory).length, 0, 'what is left in the directory');
  sayListing(directory);
}

async function acquireAndForget(manager: SocketManager): Promise<void> {
  await manager.acquire('tour.sock');
}

async function collectUntil(leak: Promise<unknown[]>): Promise<LeakEvent> {
  // What `node --expose-gc` gives, without starting another process.
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  let event: unknown[] | undefined;
  const told = leak.then((args) => {
    event = args;
  });
  while (!event) {
    gc();
    await Promise.race([told, new Promise((resolve) => setImmediate(resolve))]);
  }
  return event[0] as LeakEvent;
}
