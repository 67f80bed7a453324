import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isSocketReferenceError, SocketManager, SocketReferenceError, type SocketReferenceErrorCode } from 'sockref';
import { describe, expect, it } from 'vitest';
import { Directory } from '#src/files/directory.js';
import { errorFields } from '#src/protocol/errors.js';
import { withDirectory } from '../helpers/directory.js';
import { isRoot, takeLock, withPlace } from '../helpers/place.js';
import { start } from '../helpers/program.js';
import { refusing } from '../helpers/refusing.js';
import { secondCopy } from '../helpers/second-copy.js';
import { onSmallDisk } from '../helpers/small-disk.js';

type Fields = Readonly<Record<string, unknown>>;

/** A way to an error: its fields besides the code, and what its message says. */
interface Trigger {
  readonly how: string;
  readonly code: SocketReferenceErrorCode;
  readonly fields: (directory: string) => Fields;
  readonly says: RegExp;
  /** The name of the system's error that must be its cause. */
  readonly cause?: string;
  run(directory: string, manager: SocketManager): Promise<unknown>;
}

const serve = (): void => {};

/** The error that a promise rejected with. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The error of an acquire in a separate program. */
async function inProgram(path: string, options: Parameters<typeof start>[1] = {}): Promise<unknown> {
  const program = await start('acquire-once.mjs', { args: [path], ...options });
  const { error } = await program.line();
  program.end();
  await program.exited;
  const { name, message, causeCode, ...fields } = error;
  expect(name).toBe('SocketReferenceError');
  return new SocketReferenceError(fields.code, message, { ...fields, cause: { code: causeCode } });
}

/** The error of an acquire when the system refuses a call. */
async function whenRefused(directory: string, calls: string, errno: string): Promise<unknown> {
  return inProgram(`${directory}/a`, { under: refusing(calls, errno), env: { NODE_V8_COVERAGE: undefined } });
}

const triggers: readonly Trigger[] = [
  {
    how: 'a path that breaks a rule',
    code: 'ERR_SOCKREF_INVALID_PATH',
    fields: () => ({ path: 'sub/db.sock', reason: 'relative' }),
    says: /^Invalid path "sub\/db.sock": .*; pass nothing, a bare name such as "db.sock", or an absolute path$/,
    run: (_, manager) => rejection(manager.acquire('sub/db.sock', { serve })),
  },
  {
    how: 'a path that is no string',
    code: 'ERR_SOCKREF_INVALID_PATH',
    fields: () => ({ reason: 'not-a-string' }),
    says: /^Invalid path: it is 5, and a path is a string; pass /,
    run: (_, manager) => rejection(manager.acquire(5 as never, { serve })),
  },
  {
    how: 'a path in a directory that the manager does not allow',
    code: 'ERR_SOCKREF_INVALID_PATH',
    fields: (directory) => ({ path: `${directory}/a`, reason: 'not-allowed' }),
    says: /allows only sockets in "\/usr" and below \(allowedDirectories\)/,
    run: (directory) =>
      rejection(new SocketManager({ allowedDirectories: ['/usr'] }).acquire(`${directory}/a`, { serve })),
  },
  {
    how: 'a path of too many bytes',
    code: 'ERR_SOCKREF_PATH_TOO_LONG',
    fields: (directory) => ({ path: `${directory}/${'x'.repeat(200)}`, length: directory.length + 201, max: 107 }),
    says: /has 22\d bytes.* 107.*; use a shorter name or a shorter directory/,
    run: (directory, manager) => rejection(manager.acquire(`${directory}/${'x'.repeat(200)}`, { serve })),
  },
  {
    how: 'an option of the wrong type',
    code: 'ERR_SOCKREF_INVALID_OPTION',
    fields: () => ({ option: 'mode', expected: expect.stringContaining('0o600'), received: '"0600"' }),
    says: /^The option "mode" must be permission bits .*, and is "0600"$/,
    run: (_, manager) => rejection(manager.acquire('a', { serve, mode: '0600' as never })),
  },
  {
    how: 'a directory that does not exist',
    code: 'ERR_SOCKREF_DIRECTORY_NOT_FOUND',
    fields: (directory) => ({ path: `${directory}/none/a`, directory: `${directory}/none` }),
    says: /^The directory ".*\/none" does not exist; create it first \(mkdir -p -m 700\), or pass another path$/,
    cause: 'ENOENT',
    run: (directory, manager) => rejection(manager.acquire(`${directory}/none//a`, { serve })),
  },
  {
    how: 'a directory that others can write to',
    code: 'ERR_SOCKREF_UNSAFE_DIRECTORY',
    fields: (directory) => ({
      path: `${directory}/a`,
      directory,
      uid: process.geteuid?.(),
      mode: 0o777,
      reason: 'mode',
    }),
    says: /^Unsafe directory ".*": .* \(owner uid \d+, mode 0777\); run: chmod go-w ".*" \(or chmod \+t\)$/,
    run: (directory, manager) => {
      chmodSync(directory, 0o777);
      return rejection(manager.acquire(`${directory}/a`, { serve }));
    },
  },
  {
    how: 'a file at the path',
    code: 'ERR_SOCKREF_ADDRESS_IN_USE',
    fields: (directory) => ({ path: `${directory}/a`, found: 'regular file', uid: process.geteuid?.() }),
    says: /^A regular file that sockref did not make lies at ".*\/a"; remove it if it is not needed, or choose another path$/,
    run: async (directory, manager) => {
      writeFileSync(`${directory}/a`, '');
      const error = await rejection(manager.acquire(`${directory}/a`, { serve }));
      unlinkSync(`${directory}/a`);
      return error;
    },
  },
  {
    how: 'a directory that may only be read',
    code: 'ERR_SOCKREF_PERMISSION_DENIED',
    fields: (directory) => ({ path: `${directory}/a`, errno: 'EACCES', syscall: 'open' }),
    says: /open failed with EACCES; grant this user write and search permission there, or choose another directory$/,
    cause: 'EACCES',
    run: async (directory) => {
      chmodSync(directory, 0o500);
      // Root without its capabilities is refused like any user.
      const under = isRoot ? ['setpriv', '--bounding-set', '-all'] : [];
      const error = await inProgram(`${directory}/a`, { under });
      chmodSync(directory, 0o700);
      return error;
    },
  },
  {
    how: 'a limit of the manager',
    code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
    fields: (directory) => ({ path: `${directory}/b`, limit: 'maxSockets', max: 1 }),
    says: /maxSockets allows no more; release some, or raise the limit$/,
    run: async (directory) => {
      await using manager = new SocketManager({ limits: { maxSockets: 1 } });
      await manager.acquire(`${directory}/a`, { serve });
      return rejection(manager.acquire(`${directory}/b`, { serve }));
    },
  },
  {
    how: 'a full disk',
    code: 'ERR_SOCKREF_LIMIT_EXCEEDED',
    fields: (directory) => ({ path: `${directory}/a`, limit: 'disk space', errno: 'ENOSPC', syscall: 'write' }),
    says: /write failed with ENOSPC; the limit is the disk space: make room on the file system of the directory$/,
    cause: 'ENOSPC',
    run: async (directory) => {
      const fill = ['sh', '-c', 'head -c 100000 /dev/zero > "$0/filler" 2>/dev/null; exec "$@"', directory];
      return inProgram(`${directory}/a`, { under: [...onSmallDisk(directory, 16_384), ...fill] });
    },
  },
  {
    how: 'no process serves',
    code: 'ERR_SOCKREF_NOT_SERVED',
    fields: (directory) => ({ path: `${directory}/a` }),
    says: /^No process serves .*\/a; pass `serve` or `server` to have it served, or start the program that serves it first$/,
    run: (directory, manager) => rejection(manager.acquire(`${directory}/a`)),
  },
  {
    how: 'a server that failed',
    code: 'ERR_SOCKREF_SERVER_FAILED',
    fields: (directory) => ({ path: `${directory}/a`, reason: 'exited', exitCode: 3, stderr: 'boom' }),
    says: /^The server of .*\/a failed: "sh -c 'echo boom; exit 3'": it exited with status 3 before it accepted a connection; see its output \(log: .*\.log\)$/,
    run: (directory, manager) =>
      rejection(manager.acquire(`${directory}/a`, { server: { command: ['sh', '-c', 'echo boom; exit 3'] } })),
  },
  {
    how: 'an end that takes longer than the time that was given',
    code: 'ERR_SOCKREF_TIMEOUT',
    fields: (directory) => ({
      path: `${directory}/a`,
      timeoutMs: 20,
      waitingFor: 'the previous server to stop',
    }),
    says: /not acquired within 20 ms; it was waiting for the previous server to stop; pass a longer timeoutMs/,
    run: async (directory, manager) => {
      const reference = await manager.acquire(`${directory}/a`, { serve });
      const client = await reference.connect();
      const closed = reference.close();
      const error = await rejection(manager.acquire(`${directory}/a`, { serve, timeoutMs: 20 }));
      client.destroy();
      await closed;
      return error;
    },
  },
  {
    how: 'a server that does not become ready in the time that was given',
    code: 'ERR_SOCKREF_TIMEOUT',
    fields: (directory) => ({
      path: `${directory}/a`,
      timeoutMs: 8_000,
      waitingFor: 'the server to become ready',
      stderr: 'not now',
    }),
    says: /not acquired within 8000 ms; it was waiting for the server to become ready; pass a longer timeoutMs/,
    run: async (directory) => {
      // Its close waits until everything is gone.
      await using waiting = new SocketManager();
      const server = { command: ['sh', '-c', 'echo not now; exec sleep 600'], readyTimeoutMs: 60_000 };
      return await rejection(waiting.acquire(`${directory}/a`, { server, timeoutMs: 8_000 }));
    },
  },
  {
    how: 'a living owner that does not answer',
    code: 'ERR_SOCKREF_OWNER_UNRESPONSIVE',
    fields: (directory) => ({ path: `${directory}/a`, pid: process.pid, timeoutMs: 20 }),
    says: /\(pid \d+\) holds its lock but did not answer within 20 ms .*; it runs, and is busy or cannot accept another connection; /,
    run: async (directory, manager) => {
      const opened = Directory.open(directory);
      const lock = takeLock({
        directory: opened,
        names: { data: 'a', control: 'a.ctl', lock: 'a.lock' },
        path: `${directory}/a`,
      });
      lock.begin();
      const error = await rejection(manager.acquire(`${directory}/a`, { serve, timeoutMs: 20 }));
      lock.remove();
      opened.release();
      return error;
    },
  },
  {
    how: 'an owner that died, and no other process that serves',
    code: 'ERR_SOCKREF_OWNER_LOST',
    fields: (directory) => ({ path: `${directory}/a`, timeoutMs: 20 }),
    says: /: its owner died, and after 20 ms \(failoverTimeoutMs\) .*; acquire it again, and pass `serve`/,
    run: async (directory, manager) => {
      const owner = await start('acquire-once.mjs', { args: [`${directory}/a`] });
      await owner.line();
      const { signal } = await manager.acquire(`${directory}/a`, { failoverTimeoutMs: 20 });
      const aborted = once(signal, 'abort');
      owner.kill();
      await aborted;
      // Its end removes what the owner left.
      await manager.close();
      return signal.reason;
    },
  },
  {
    how: 'a reference that was closed',
    code: 'ERR_SOCKREF_CLOSED',
    fields: (directory) => ({ path: `${directory}/a`, reason: 'closed' }),
    says: /^This reference to .*\/a was closed; acquire a new one$/,
    run: async (directory, manager) => {
      const reference = await manager.acquire(`${directory}/a`, { serve });
      await reference.close();
      return rejection(reference.connect());
    },
  },
  {
    how: 'a manager that was closed',
    code: 'ERR_SOCKREF_CLOSED',
    fields: () => ({ reason: 'closed' }),
    says: /^This manager was closed; use another one$/,
    run: async (_, manager) => {
      await manager.close();
      return rejection(manager.acquire('a', { serve }));
    },
  },
  {
    how: 'an owner that speaks another version',
    code: 'ERR_SOCKREF_PROTOCOL',
    fields: (directory) => ({ path: `${directory}/a`, ours: 1, theirs: 2 }),
    says: /version 2 \(this is version 1\); use the same major version of sockref/,
    run: (directory, manager) =>
      withFakeOwner(directory, { type: 'welcome', v: 2 }, () => rejection(manager.acquire(`${directory}/a`))),
  },
  {
    how: 'a file system without hard links',
    code: 'ERR_SOCKREF_UNSUPPORTED',
    fields: (directory) => ({ path: `${directory}/a`, errno: 'ENOTSUP', syscall: 'link' }),
    says: /link failed with ENOTSUP; use a local file system with hard links and file locks$/,
    cause: 'ENOTSUP',
    run: (directory) => whenRefused(directory, 'link,linkat', 'EOPNOTSUPP'),
  },
  {
    how: 'a directory that is removed at the wrong moment',
    code: 'ERR_SOCKREF_SYSTEM',
    fields: (directory) => ({ path: `${directory}/d/a`, errno: 'ENOENT', syscall: 'open' }),
    says: /^Cannot open the lock file .*\/d\/a.lock: open failed with ENOENT$/,
    cause: 'ENOENT',
    run: async (directory, manager) => {
      mkdirSync(`${directory}/d`, { mode: 0o700 });
      const acquired = rejection(manager.acquire(`${directory}/d/a`, { serve }));
      rmSync(`${directory}/d`, { recursive: true });
      return acquired;
    },
  },
];

/** Runs a server that gives the test's answers at the control socket of `a`, as an owner would. */
async function withFakeOwner<Value>(directory: string, answer: object, work: () => Promise<Value>): Promise<Value> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(`${JSON.stringify(answer)}\n`));
  }).listen(`${directory}/a.ctl`);
  await once(server, 'listening');
  const result = await work();
  server.close();
  await once(server, 'close');
  return result;
}

/** The fields of an error besides its code. */
function fieldsOf(error: object): Fields {
  const { code: _, ...fields } = error as Record<string, unknown>;
  return fields;
}

describe('each code of the error table', () => {
  it.each(triggers.map((each) => [each.code, each.how, each] as const))('%s: %s', (_, __, trigger) =>
    withDirectory(async (directory) => {
      await using manager = new SocketManager();
      const error = await trigger.run(directory, manager);
      expect(error).toBeInstanceOf(SocketReferenceError);
      expect(isSocketReferenceError(error)).toBe(true);
      expect(error).toMatchObject({ name: 'SocketReferenceError', code: trigger.code });
      const { message, cause } = error as SocketReferenceError;
      expect(message).toMatch(trigger.says);
      expect(fieldsOf(error as object)).toEqual(trigger.fields(directory));
      if (trigger.cause) expect(cause).toMatchObject({ code: trigger.cause });
      chmodSync(directory, 0o700);
      expect(readdirSync(directory)).toEqual([]);
      expect(manager.activeSocketCount).toBe(0);
    }),
  );

  it('is triggered, with each of the fields that the table lists, and with no other', () => {
    const seen: Record<string, Set<string>> = {};
    for (const { code, fields } of triggers) {
      seen[code] ??= new Set();
      for (const name of Object.keys(fields('/d'))) seen[code].add(name);
    }
    const listed = Object.entries(errorFields).map(([code, fields]) => [code, [...fields].sort()]);
    expect(Object.fromEntries(Object.entries(seen).map(([code, names]) => [code, [...names].sort()]))).toEqual(
      Object.fromEntries(listed),
    );
  });
});

describe('an error of another copy of the package', () => {
  it('is recognised by its brand, where instanceof says no', () =>
    withDirectory(async (directory) => {
      const other = await secondCopy();
      const error = await rejection(new other.SocketManager().acquire(`${directory}/none/a`));
      expect(error).not.toBeInstanceOf(SocketReferenceError);
      expect(error).toBeInstanceOf(other.SocketReferenceError);
      expect(isSocketReferenceError(error)).toBe(true);
      expect(other.isSocketReferenceError(new SocketReferenceError('ERR_SOCKREF_CLOSED', 'x'))).toBe(true);
      expect(String(error)).toMatch(/^SocketReferenceError: The directory/);
    }));

  it('is distinguished from everything else', () => {
    const others = [
      undefined,
      null,
      0,
      '',
      'ERR_SOCKREF_CLOSED',
      {},
      [],
      new Error('x'),
      { code: 'ERR_SOCKREF_CLOSED' },
    ];
    for (const other of others) expect(isSocketReferenceError(other)).toBe(false);
    expect(isSocketReferenceError(SocketReferenceError.prototype.constructor)).toBe(false);
  });
});

describe('the failure that an owner reports', () => {
  const tell = (message: object, check: (error: unknown) => void) =>
    withPlace(async ({ directory: { path } }) => {
      await using manager = new SocketManager();
      check(
        await withFakeOwner(path, { type: 'failed', message: 'no', ...message }, () =>
          rejection(manager.acquire(`${path}/a`)),
        ),
      );
    });

  it('sets the fields of its code, and nothing else of the error', async () => {
    const detail = {
      exitCode: 1,
      name: 'x',
      code: 'x',
      message: 'x',
      stack: 'x',
      path: '/etc',
      limit: 'x',
      cause: 'x',
    };
    await tell({ code: 'ERR_SOCKREF_SERVER_FAILED', detail }, (error) => {
      expect(error).toMatchObject({ name: 'SocketReferenceError', code: 'ERR_SOCKREF_SERVER_FAILED', message: 'no' });
      expect(fieldsOf(error as object)).toEqual({ path: expect.stringMatching(/\/a$/), exitCode: 1 });
      expect((error as Error).cause).toBeUndefined();
    });
  });

  it.each(['ERR_LATER', 'constructor', '__proto__', 'toString', ''])('has a known code: not %j', (code) =>
    tell({ code }, (error) => expect(error).toMatchObject({ code: 'ERR_SOCKREF_PROTOCOL', message: 'no' })),
  );
});
