import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isSocketReferenceError, SocketManager, type SocketReference } from 'sockref';
import { greet, greeting, readAll } from './serve.js';
import { until } from './until.js';

/** One step of an interleaving. `pick` chooses among the handles, of any number. */
export type Operation =
  | { readonly type: 'acquire'; readonly path: number; readonly abortable: boolean }
  | { readonly type: 'acquire-aborted'; readonly path: number }
  | { readonly type: 'abort'; readonly pick: number }
  | { readonly type: 'clone' | 'close' | 'close-twice' | 'connect'; readonly pick: number }
  | { readonly type: 'get-existing' | 'force'; readonly path: number }
  | { readonly type: 'clean-up-all' | 'settle' }
  | { readonly type: 'turn'; readonly turns: number };

/** A handle, and what the model knows about it. */
interface Handle {
  readonly reference: SocketReference;
  readonly path: string;
  live: boolean;
}

interface Acquire {
  readonly path: string;
  readonly abort: AbortController | undefined;
  /** Its socket was ended by force while it waited: it may fail, or get an ended reference. */
  forced: boolean;
}

/** Milliseconds that one of the sockets lingers: few, so that steps come before and after its end. */
const lingerMs = 2;

/**
 * Runs operations against a manager and against a model that knows only which handles live. Operations begin without
 * waiting, so that they overlap. Each step ends with a comparison.
 */
export class Interleaving {
  readonly #manager = new SocketManager();
  readonly #paths: readonly string[];
  readonly #handles: Handle[] = [];
  readonly #acquires = new Set<Acquire>();
  readonly #work = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  #released = 0;

  constructor(directory: string, paths: number) {
    this.#paths = Array.from({ length: paths }, (_, index) => join(directory, `${index}.sock`));
    this.#manager.on('fault', ({ error }) => this.#failures.push(error));
  }

  /** Does one step, and compares. */
  async step(operation: Operation): Promise<void> {
    await this.#do(operation);
    this.#compare();
  }

  /** Closes the rest, and asserts that nothing is left. */
  async finish(): Promise<void> {
    await this.#settle();
    for (const handle of this.#handles) this.#close(handle);
    await this.#settle();
    const manager = this.#manager;
    // Lingering sockets end after their time, and no promise resolves then.
    await until('no socket lingers', () => manager.activeSocketCount === 0);
    await manager.close();
    const { acquired, released, started, stopped, references, pendingAcquires, faults } = manager.stats();
    assert.deepEqual(
      { acquired, released, references, pendingAcquires, faults, running: started - stopped },
      {
        acquired: this.#handles.length,
        released: this.#released,
        references: 0,
        pendingAcquires: 0,
        faults: 0,
        running: 0,
      },
    );
  }

  async #do(operation: Operation): Promise<void> {
    switch (operation.type) {
      case 'acquire':
        return this.#acquire(this.#path(operation.path), operation.abortable ? new AbortController() : undefined);
      case 'acquire-aborted': {
        const abort = new AbortController();
        this.#acquire(this.#path(operation.path), abort);
        return abort.abort();
      }
      case 'abort':
        return choose([...this.#acquires], operation.pick)?.abort?.abort();
      case 'clone':
        return this.#clone(choose(this.#handles, operation.pick));
      case 'close':
        return this.#close(choose(this.#live(), operation.pick));
      case 'close-twice': {
        const handle = choose(this.#handles, operation.pick);
        this.#close(handle);
        return this.#close(handle);
      }
      case 'connect':
        return this.#connect(choose(this.#live(), operation.pick));
      case 'get-existing':
        return this.#getExisting(this.#path(operation.path));
      case 'force':
        return this.#force([this.#path(operation.path)]);
      case 'clean-up-all':
        return this.#force(this.#paths);
      case 'turn':
        for (let turns = 0; turns < operation.turns; turns++) await turn();
        return;
      case 'settle':
        return this.#settle();
    }
  }

  #acquire(path: string, abort: AbortController | undefined): void {
    const acquire: Acquire = { path, abort, forced: false };
    this.#acquires.add(acquire);
    const options = { serve: greet, lingerMs: path === this.#paths[0] ? lingerMs : 0, drainTimeoutMs: 1_000 };
    const got = this.#manager.acquire(path, { ...options, signal: abort?.signal });
    this.#track(
      got.then(
        (reference) => {
          this.#acquires.delete(acquire);
          assert.ok(reference.isActive || acquire.forced, 'an acquire got a reference to a dead socket');
          this.#handles.push({ reference, path, live: reference.isActive });
        },
        (error: unknown) => {
          this.#acquires.delete(acquire);
          const aborted = abort?.signal.aborted && error instanceof DOMException && error.name === 'AbortError';
          const cleanedUp = acquire.forced && isSocketReferenceError(error) && error.code === 'ERR_SOCKREF_CLOSED';
          if (!aborted && !cleanedUp) throw error;
        },
      ),
    );
  }

  #clone(handle: Handle | undefined): void {
    if (!handle) return;
    const before = this.#manager.referenceCount(handle.path);
    if (handle.live) {
      this.#handles.push({ reference: handle.reference.clone(), path: handle.path, live: true });
    } else {
      assert.throws(() => handle.reference.clone(), { code: 'ERR_SOCKREF_CLOSED' });
    }
    assert.equal(this.#manager.referenceCount(handle.path), handle.live ? before + 1 : before);
  }

  #close(handle: Handle | undefined): void {
    if (!handle) return;
    const { path, live } = handle;
    const before = this.#manager.referenceCount(path);
    this.#track(handle.reference.close());
    const after = this.#manager.referenceCount(path);
    assert.equal(after, live ? before - 1 : before);
    if (live) this.#released++;
    handle.live = false;
    // Decided in the same tick, unless it lingers.
    if (live && after === 0 && path !== this.#paths[0]) assert.ok(!this.#manager.isSocketActive(path));
  }

  #getExisting(path: string): void {
    const before = this.#manager.referenceCount(path);
    const active = this.#manager.isSocketActive(path);
    const reference = this.#manager.getExisting(path);
    assert.equal(reference !== undefined, active);
    if (!reference) return;
    assert.equal(reference.referenceCount, before + 1);
    this.#handles.push({ reference, path, live: true });
  }

  #connect(handle: Handle | undefined): void {
    if (!handle) return;
    this.#track(
      handle.reference
        .connect()
        .then(readAll)
        .then(
          (answer) => assert.ok(answer === greeting || !handle.live, `a connection read ${JSON.stringify(answer)}`),
          (error: unknown) => {
            // Only a reference that was closed or ended meanwhile may fail.
            if (handle.live) throw error;
          },
        ),
    );
  }

  #force(paths: readonly string[]): void {
    const [path] = paths;
    if (!path) return;
    const done =
      paths.length > 1 ? this.#manager.cleanupAllSockets() : this.#manager.forceCleanupSocket(path).then(() => {});
    this.#track(done);
    for (const acquire of this.#acquires) if (paths.includes(acquire.path)) acquire.forced = true;
    for (const handle of this.#handles) if (paths.includes(handle.path)) handle.live = false;
    for (const each of paths) {
      assert.ok(!this.#manager.isSocketActive(each));
      assert.equal(this.#manager.referenceCount(each), 0);
    }
  }

  #compare(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
    const manager = this.#manager;
    const live = this.#live();
    for (const path of this.#paths) {
      const known = live.filter((handle) => handle.path === path).length;
      const count = manager.referenceCount(path);
      // An acquire may be counted before its promise resolves.
      const pending = [...this.#acquires].filter((acquire) => acquire.path === path).length;
      assert.ok(count >= known && count <= known + pending, `${path}: ${count}, known ${known}, pending ${pending}`);
      if (count > 0) assert.ok(manager.isSocketActive(path));
    }
    for (const { reference, path, live } of this.#handles) {
      assert.equal(reference.isActive, live);
      assert.equal(reference.referenceCount, live ? manager.referenceCount(path) : 0);
      assert.equal(reference.path, path);
    }
    assert.equal(manager.activeSocketCount, this.#paths.filter((path) => manager.isSocketActive(path)).length);
  }

  /** Waits until all operations are over. Then the count is exactly that of the model. */
  async #settle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
    assert.equal(this.#acquires.size, 0);
    this.#compare();
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.#failures.push(error);
      })
      .finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  #live(): Handle[] {
    return this.#handles.filter((handle) => handle.live);
  }

  #path(index: number): string {
    return this.#paths[index % this.#paths.length] as string;
  }
}

function choose<Value>(values: readonly Value[], pick: number): Value | undefined {
  return values[pick % values.length];
}
