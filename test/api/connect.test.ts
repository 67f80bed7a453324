import { getEventListeners, once } from 'node:events';
import { chownSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectTo } from '#src/api/connect.js';
import { deferred } from '#src/deferred.js';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';
import type { Place } from '#src/files/place.js';
import { isRoot, otherUid, withPlace } from '../helpers/place.js';
import { greet, greeting, readAll } from '../helpers/serve.js';
import { deadSocket } from '../helpers/tree.js';

/** A state of an endpoint that exists as long as the test says so. */
function referenceAt(place: Place, repair: () => Promise<void> = async () => {}) {
  const changed = deferred<void>();
  const watched = new Set<ReferenceState>();
  const endpoint = {
    place,
    live: true,
    lease: { repair } as object | undefined,
    whenChanged: () => changed.promise,
    watch: (state: ReferenceState) => void watched.add(state),
    closedError: (open: boolean) => new Error(open ? 'ended' : 'closed'),
  };
  return { endpoint, changed, state: new ReferenceState(endpoint as unknown as Endpoint, undefined) };
}

async function served(path: string): Promise<() => Promise<unknown>> {
  const server = createServer((socket) => {
    // A client that gave up gets no greeting.
    socket.on('error', () => {});
    greet(socket);
  }).listen(path);
  await once(server, 'listening');
  return () => {
    server.close();
    return once(server, 'close');
  };
}

describe('a connection', () => {
  it('makes the owner repair a missing file first', () =>
    withPlace(async (place) => {
      let stop: (() => Promise<unknown>) | undefined;
      const { state } = referenceAt(place, async () => {
        stop ??= await served(place.path);
      });
      expect(await readAll(await connectTo(state, undefined))).toBe(greeting);
      await stop?.();
    }));

  it('waits for a change while there is no server, and leaves no listener behind', () =>
    withPlace(async (place) => {
      const { state, endpoint, changed } = referenceAt(place);
      const stop = await served(place.path);
      const { lease } = endpoint;
      endpoint.lease = undefined;
      const abort = new AbortController();
      const connecting = connectTo(state, { signal: abort.signal });
      await new Promise(setImmediate);
      expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
      endpoint.lease = lease;
      changed.resolve();
      expect(await readAll(await connecting)).toBe(greeting);
      expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
      await stop();
    }));

  it('that no server accepts fails when its time is over', () =>
    withPlace(async (place) => {
      await deadSocket(place.path);
      const { state } = referenceAt(place);
      await expect(connectTo(state, { timeoutMs: 10 })).rejects.toMatchObject({
        code: 'ERR_SOCKREF_TIMEOUT',
        timeoutMs: 10,
        waitingFor: 'the socket to accept connections',
      });
      unlinkSync(place.path);
    }));

  it('is not made for a signal that aborts meanwhile', () =>
    withPlace(async (place) => {
      const stop = await served(place.path);
      const { state } = referenceAt(place);
      const abort = new AbortController();
      const connecting = connectTo(state, { signal: abort.signal });
      abort.abort('why');
      await expect(connecting).rejects.toMatchObject({ name: 'AbortError', cause: 'why' });
      await stop();
    }));

  it('fails when the reference becomes inactive', () =>
    withPlace(async (place) => {
      const { state, endpoint } = referenceAt(place);
      endpoint.lease = undefined;
      const connecting = connectTo(state, {});
      endpoint.live = false;
      state.abort(() => new Error('why'));
      await expect(connecting).rejects.toThrow('ended');
      state.open = false;
      await expect(connectTo(state, {})).rejects.toThrow('closed');
    }));

  it('is not made to a file that is not a socket', () =>
    withPlace(async (place) => {
      mkdirSync(place.path);
      await expect(connectTo(referenceAt(place).state, {})).rejects.toMatchObject({
        code: 'ERR_SOCKREF_ADDRESS_IN_USE',
        found: 'directory',
      });
      rmdirSync(place.path);
    }));

  it(isRoot ? 'is not made to a socket of another user' : 'is made to a socket of this user', () =>
    withPlace(async (place) => {
      const stop = await served(`${place.path}~`);
      renameSync(`${place.path}~`, place.path);
      if (isRoot) chownSync(place.path, otherUid, otherUid);
      const connecting = connectTo(referenceAt(place).state, {});
      if (isRoot) await expect(connecting).rejects.toMatchObject({ found: 'socket', uid: otherUid });
      else expect(await readAll(await connecting)).toBe(greeting);
      unlinkSync(place.path);
      await stop();
    }),
  );
});
