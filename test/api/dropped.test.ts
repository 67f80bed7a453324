import { execFile } from 'node:child_process';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { forget, releaseWhenDropped } from '#src/api/dropped.js';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';
import { withDirectory } from '../helpers/directory.js';
import { root } from '../helpers/samples.js';

/** References by their numbers, and those that were collected. */
class Scene {
  readonly collected: number[] = [];
  readonly states: ReferenceState[] = [];
  readonly handles = new Map<number, object>();

  make(): void {
    const state = new ReferenceState(
      { collected: (each: ReferenceState) => this.#collect(each) } as unknown as Endpoint,
      undefined,
    );
    const handle = {};
    this.handles.set(this.states.push(state) - 1, handle);
    releaseWhenDropped(handle, state);
  }

  close(number: number): void {
    forget(this.states[number] as ReferenceState);
    this.handles.delete(number);
  }

  #collect(state: ReferenceState): void {
    this.collected.push(this.states.indexOf(state));
  }
}

async function collectUntil(done: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !done(); turns++) {
    globalThis.gc?.();
    await turn();
  }
}

/** Which of the made handles are closed in the turn in which they were made, which later, and which never. */
const lives = fc.array(fc.constantFrom('closed at once', 'closed later', 'dropped'), { maxLength: 40 });

it('collects each dropped handle once, and none that was closed', async () => {
  await fc.assert(
    fc.asyncProperty(lives, fc.array(fc.nat()), async (kinds, order) => {
      const scene = new Scene();
      for (const _ of kinds) scene.make();
      const numbersOf = (kind: string) =>
        kinds
          .flatMap((each, number) => (each === kind ? [number] : []))
          .sort((a, b) => (order[a] ?? a) - (order[b] ?? b));
      for (const number of numbersOf('closed at once')) scene.close(number);
      await turn();
      for (const number of numbersOf('closed later')) scene.close(number);
      const dropped = numbersOf('dropped');
      scene.handles.clear();
      await collectUntil(() => scene.collected.length >= dropped.length);
      expect(scene.collected.toSorted((a, b) => a - b)).toEqual(dropped.toSorted((a, b) => a - b));
    }),
    { numRuns: 30 },
  );
});

it('keeps no more than a part of the handles that are made and dropped in one turn', async () => {
  const scene = new Scene();
  for (let count = 0; count < 5_000; count++) scene.make();
  // Those that are still held by number can be closed, wherever they are.
  for (const number of [0, 1_023, 1_024, 4_999]) scene.close(number);
  scene.handles.clear();
  await collectUntil(() => scene.collected.length >= 4_996);
  expect(new Set(scene.collected).size).toBe(4_996);
  expect(scene.collected).toHaveLength(4_996);
});

it('does not give a process that ends one more turn', () =>
  withDirectory(async (directory) => {
    const path = JSON.stringify(`${directory}/a.sock`);
    const program = `const manager = new (require('sockref').SocketManager)();
      let ends = 0;
      process.on('beforeExit', () => ++ends < 5 && manager.getExisting(${path}).close());
      process.on('exit', () => console.log(ends));
      manager.acquire(${path}, { serve() {} }).then((reference) => reference.unref());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { cwd: root });
    expect(stdout).toBe('1\n');
  }));
