import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

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
    expect(results.watched).toMatchObject(counted(3, 3));
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
