import { acquire } from 'sockref';
import { describe, expect, it } from 'vitest';
import { withDirectories, withDirectory } from '../helpers/directory.js';
import { type Program, start } from '../helpers/program.js';
import { refusing } from '../helpers/refusing.js';
import { onSmallDisk } from '../helpers/small-disk.js';

// The system refuses a call once: a typed error, nothing is left, and the next acquire works.

interface Refusal {
  readonly call: string;
  readonly errno: string;
  /** Which call of that name. */
  readonly when: number;
  readonly code: string;
}

const refusals: readonly Refusal[] = [
  // The header of the record with its line for the private directory, and those for the two sockets.
  { call: 'pwrite64', errno: 'ENOSPC', when: 1, code: 'ERR_SOCKREF_LIMIT_EXCEEDED' },
  { call: 'pwrite64', errno: 'EDQUOT', when: 2, code: 'ERR_SOCKREF_LIMIT_EXCEEDED' },
  { call: 'mkdir', errno: 'EROFS', when: 1, code: 'ERR_SOCKREF_PERMISSION_DENIED' },
  { call: 'bind', errno: 'EACCES', when: 1, code: 'ERR_SOCKREF_PERMISSION_DENIED' },
  { call: 'bind', errno: 'EACCES', when: 2, code: 'ERR_SOCKREF_PERMISSION_DENIED' },
  { call: 'listen', errno: 'EOPNOTSUPP', when: 1, code: 'ERR_SOCKREF_UNSUPPORTED' },
  { call: 'link', errno: 'EPERM', when: 1, code: 'ERR_SOCKREF_PERMISSION_DENIED' },
  { call: 'link', errno: 'EMLINK', when: 2, code: 'ERR_SOCKREF_SYSTEM' },
];

/** The attempts of `acquire-again.mjs`. */
async function attempts(program: Program) {
  const [first, second] = [await program.line(), await program.line()];
  const { code, stderr } = await program.exited;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { first, second };
}

it.each(refusals)('$call fails with $errno, call $when', ({ call, errno, when, code }) =>
  withDirectory(async (directory) => {
    const program = await start('acquire-again.mjs', {
      under: refusing(call, errno, String(when)),
      args: [`${directory}/a`],
      env: { NODE_V8_COVERAGE: undefined },
    });
    const { first, second } = await attempts(program);
    expect(first.error).toMatchObject({ code, path: `${directory}/a` });
    expect(first).toMatchObject({ left: [], active: 0, count: 0, faults: [] });
    expect(second).toMatchObject({ answer: 'ok', left: [], active: 0, count: 0, faults: [] });
    expect(second.descriptors).toBe(first.descriptors);
  }),
);

describe('a full disk', () => {
  it.each(['function', 'command'])(
    'is reported, leaves nothing, and does no harm once there is room again: served by a %s',
    (by) =>
      withDirectory(async (directory) => {
        const program = await start('full-disk.mjs', {
          under: onSmallDisk(directory, 16_384),
          args: [directory, by],
          // A keeper runs without a log if there is no room for one.
          env: { XDG_STATE_HOME: '/proc' },
        });
        const full = await program.line();
        expect(full.error).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', errno: 'ENOSPC', limit: 'disk space' });
        expect(full.left).toEqual(['filler']);
        expect(await program.line()).toEqual({ answer: 'ok', left: [] });
        await program.exited;
      }),
  );
});

it('a full disk deposes no owner whose lock file is removed: it is repaired when there is room again', () =>
  withDirectory(async (directory) => {
    const program = await start('full-disk-repair.mjs', { under: onSmallDisk(directory, 16_384), args: [directory] });
    const full = await program.line();
    expect(full).toMatchObject({ told: [], role: 'owner', answer: 'ok', locked: false });
    for (const fault of full.faults)
      expect(fault).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', errno: 'ENOSPC' });
    expect(await program.line()).toEqual({ files: ['a.lock'], told: ['stopped'], left: [] });
    await program.exited;
  }));

it('a private directory that the system never removes keeps its record, by which the next process removes it', () =>
  withDirectory(async (directory) => {
    const program = await start('acquire-again.mjs', {
      under: refusing('rmdir,unlinkat', 'EBUSY'),
      args: [`${directory}/a`],
      env: { NODE_V8_COVERAGE: undefined },
    });
    const { error, left } = await program.line();
    await program.exited;
    expect(error.message).toContain('EBUSY');
    expect(left).toEqual([expect.stringMatching(/^\.sr-/), 'a.lock']);
    const next = await start('acquire-again.mjs', { args: [`${directory}/a`] });
    expect(await next.line()).toMatchObject({ answer: 'ok', left: [] });
    await next.exited;
  }));

describe('no descriptors left', () => {
  it.each(['cold', 'warm'])('is reported at every point, leaks none, and does no harm afterwards: %s', (how) =>
    withDirectories(2, async (directory, other) => {
      await using served = await acquire(`${other}/b`, { serve: (socket) => socket.end() });
      const program = await start('no-descriptors.mjs', {
        under: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'],
        args: [how, `${directory}/a`, served.path],
      });
      let failed = 0;
      let blind = 0;
      for (;;) {
        const line = await program.line();
        if (line.done) break;
        expect(line).toMatchObject({ left: [], active: 0, faults: [], leaked: 0 });
        // A shortage in this process says nothing about the state of the owner.
        if (line.looked?.code) {
          blind++;
          expect(line.looked).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', errno: 'EMFILE' });
        } else if (line.looked) expect(line.looked).toEqual({ states: ['active', 'active'] });
        if (!line.error) continue;
        failed++;
        expect(line.error).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', errno: 'EMFILE' });
        expect(line.error.message).toContain('ulimit -n');
      }
      expect(failed).toBeGreaterThan(1);
      expect(blind).toBeGreaterThan(1);
      expect((await program.exited).stderr).toBe('');
    }),
  );
});
