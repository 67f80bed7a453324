import { once } from 'node:events';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';
import { greet } from '../helpers/serve.js';

it.each(['process', 'worker'])('releases references that were dropped, once each, in a %s', (where) =>
  withDirectory(async (directory) => {
    const program = await start('dropped.mjs', {
      args: [`${directory}/a.sock`, where],
      execArgv: ['--expose-gc'],
    });
    const results = await program.line();
    const counted = (acquired: number, leaked: number) => ({
      acquired,
      released: acquired,
      leaked,
      references: 0,
      file: false,
      counts: Array.from({ length: acquired }, (_, index) => acquired - 1 - index),
    });
    expect(results.dropped).toMatchObject(counted(10, 10));
    expect(results.clones).toMatchObject(counted(4, 4));
    expect(results.watched).toMatchObject({ ...counted(3, 3), told: ['abort', 'abort', 'abort'] });
    expect(results.mixed).toMatchObject(counted(100, 50));
    expect(results.closed).toMatchObject(counted(10, 0));
    expect(results.forced).toMatchObject({ acquired: 5, released: 0, leaked: 0, references: 0, file: false });
    // Where each was acquired, and only if the manager was asked to remember.
    expect(results.dropped.traces).toHaveLength(10);
    for (const trace of results.dropped.traces) expect(trace).toMatch(/at .*take.*dropped\.mjs/);
    for (const trace of results.dropped.traces) expect(trace).not.toContain('manager.js');
    expect(results.clones.traces).toEqual([null, null, null, null].map(() => expect.toSatisfy((each) => !each)));
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }),
);

it('keeps a reference that only the code knows which waits for its end', () =>
  withDirectory(async (directory) => {
    await using manager = new SocketManager();
    const ends: unknown[] = [];
    const path = join(directory, 'a.sock');
    const hold = async (): Promise<void> => {
      const reference = await manager.acquire(path, { serve: greet });
      await once(reference.signal, 'abort');
      ends.push(reference.signal.reason);
    };
    // Nothing here holds their promises.
    for (let count = 0; count < 3; count++) void hold();
    while (manager.stats().references < 3) await turn();
    for (let turns = 0; turns < 50; turns++) {
      globalThis.gc?.();
      await turn();
    }
    expect(manager.stats()).toMatchObject({ references: 3, leaked: 0 });
    await manager.forceCleanupSocket(path);
    await turn();
    const closed = expect.objectContaining({ code: 'ERR_SOCKREF_CLOSED', reason: 'cleaned-up' });
    expect(ends).toEqual([closed, closed, closed]);
  }));
