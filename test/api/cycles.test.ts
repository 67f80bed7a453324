import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

const cyclesPerBlock = 200;
const blocks = 5;

/** How much the heap may differ between two blocks: the noise of collection, far below a kilobyte for each cycle. */
const maxGrowth = 1.05;

it('leaves no file, descriptor, timer, listener or memory behind in 1000 cycles', () =>
  withDirectory(async (directory) => {
    const program = await start('cycles.mjs', {
      args: [directory, String(cyclesPerBlock), String(blocks)],
      execArgv: ['--expose-gc'],
      // Coverage takes memory, too.
      env: { NODE_V8_COVERAGE: undefined },
    });
    const { heap: heapBefore, ...before } = await program.line();
    expect(before.files).toEqual([]);
    const heaps: number[] = [];
    for (let block = 0; block < blocks; block++) {
      const { heap, ...after } = await program.line();
      expect(after).toEqual(before);
      heaps.push(heap);
    }
    expect(await program.line()).toMatchObject({
      started: 1200,
      stopped: 1200,
      acquired: 2400,
      released: 2400,
      faults: 0,
    });
    expect(Math.min(...heaps.slice(-2))).toBeLessThan(Math.max(heapBefore, heaps[0] as number) * maxGrowth);
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }));
