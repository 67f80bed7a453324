import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager, type SocketReferenceError } from 'sockref';
import { describe, expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { type Behind, behind, keeperOf, type ServerCommand, serverOf } from '../helpers/behind.js';
import { processesOf } from '../helpers/processes.js';
import { lives } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

/** A server in a few lines, which can fail in many ways. `place()` gives it a listening socket in both modes. */
const python = (program: string): string[] => [
  'python3',
  '-uc',
  `
import os, signal, socket, sys
def place():
    if os.environ.get("LISTEN_FDS"):
        assert int(os.environ["LISTEN_PID"]) == os.getpid()
        return socket.socket(fileno=3)
    s = socket.socket(socket.AF_UNIX)
    s.bind(os.environ["SOCKREF_LISTEN_PATH"])
    s.listen()
    return s
def serve(s):
    while True:
        c, _ = s.accept()
        c.close()
print("to stdout")
print("to stderr", file=sys.stderr)
${program}
`,
];

/** The error of an acquire that must fail; afterwards nothing of it is left. */
async function failure(
  { directory, scratch }: Behind,
  server: ServerCommand,
  mode = 0o600,
): Promise<SocketReferenceError> {
  await using manager = new SocketManager();
  const acquired = manager.acquire(join(directory, 'app.sock'), { server, mode });
  const error = await acquired.then(
    () => expect.unreachable('it was acquired'),
    (reason: unknown) => reason as SocketReferenceError,
  );
  expect(readdirSync(directory)).toEqual([]);
  await until('no process is left', () => processesOf(scratch).length === 0);
  return error;
}

async function isUpAgain(manager: SocketManager, path: string, restarts: number): Promise<boolean> {
  const server = (await manager.inspect(path))?.server;
  return server?.restarts === restarts && server.state === 'running';
}

describe.each([
  ['path mode', false],
  ['activation mode', true],
] as const)('in %s, a command that', (_, activate) => {
  it('does not exist', () =>
    behind(async (where) => {
      expect(await failure(where, { command: ['no-such-program-at-all'], activate })).toMatchObject({
        code: 'ERR_SOCKREF_SERVER_FAILED',
        reason: 'not-found',
        message: expect.stringMatching(/"no-such-program-at-all" was not found on PATH/),
      });
      const missing = join(where.scratch, 'missing');
      expect(await failure(where, { command: [missing], activate })).toMatchObject({
        reason: 'not-found',
        message: expect.stringContaining('does not exist'),
      });
    }));

  it('may not be executed', () =>
    behind(async (where) => {
      const program = join(where.scratch, 'program');
      writeFileSync(program, '#!/bin/sh\n');
      chmodSync(program, 0o600);
      expect(await failure(where, { command: [program], activate })).toMatchObject({
        reason: 'not-found',
        message: expect.stringContaining('may not be executed'),
      });
    }));

  it('has a working directory that does not exist', () =>
    behind(async (where) => {
      const cwd = join(where.scratch, 'missing');
      const error = await failure(where, { command: python('serve(place())'), activate, cwd });
      expect(error).toMatchObject({
        code: 'ERR_SOCKREF_SERVER_FAILED',
        reason: 'directory',
        message: expect.stringContaining(`its working directory "${cwd}" does not exist; create it, or`),
      });
    }));

  it('loses its working directory while it runs: another holder starts it in its own directory, or the next acquire does', () =>
    behind(async ({ directory, scratch }) => {
      await using first = new SocketManager();
      await using second = new SocketManager();
      const path = join(directory, 'app.sock');
      const command = python('serve(place())');
      for (const when of ['before', 'after'] as const) {
        const cwd = join(scratch, 'checkout');
        mkdirSync(cwd);
        const one = await first.acquire(path, { server: { command, activate, cwd }, lingerMs: 60_000 });
        const other = () => second.acquire(path, { server: { command, activate, cwd: directory } });
        const joined = when === 'before' ? await other() : undefined;
        await one.close();
        const keeper = keeperOf(path);
        rmdirSync(cwd);
        await kill(serverOf(path));
        const reference = joined ?? (await other());
        await until('another keeper runs it', async () => {
          const info = await second.inspect(path);
          return info?.server?.state === 'running' && info.owner?.pid !== keeper;
        });
        (await reference.connect()).destroy();
        expect(reference.isActive).toBe(true);
        await reference.close();
      }
    }));

  it('exits at once: the error has its status and its output', () =>
    behind(async (where) => {
      expect(await failure(where, { command: python('sys.exit(3)'), activate })).toMatchObject({
        code: 'ERR_SOCKREF_SERVER_FAILED',
        reason: 'exited',
        exitCode: 3,
        stderr: 'to stdout\nto stderr',
        message: expect.stringContaining('exited with status 3 before it accepted a connection'),
      });
    }));

  it('is ended by a signal at once', () =>
    behind(async (where) => {
      const error = await failure(where, { command: python('os.kill(os.getpid(), signal.SIGSEGV)'), activate });
      expect(error).toMatchObject({ reason: 'exited', message: expect.stringContaining('was ended by SIGSEGV') });
      expect(error.exitCode).toBeUndefined();
    }));

  it('never becomes ready', () =>
    behind(async (where) => {
      const command = ['sh', '-c', 'echo to stdout; echo to stderr >&2; exec sleep 1000'];
      const server = { command, activate, readyTimeoutMs: 1_500 };
      expect(await failure(where, server)).toMatchObject({
        reason: 'not-ready',
        stderr: 'to stdout\nto stderr',
        message: expect.stringMatching(/accepted no connection within 1500 ms/),
      });
    }));

  it('never becomes ready, and ignores the signal to end', () =>
    behind(async (where) => {
      const command = python('signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pause()');
      const error = await failure(where, { command, activate, readyTimeoutMs: 300, stopTimeoutMs: 50 });
      expect(error).toMatchObject({ reason: 'not-ready' });
    }));

  it('forks into the background: its process is found and ended', () =>
    behind(async (where) => {
      const command = python('if os.fork() == 0:\n  os.setsid()\n  signal.pause()\n');
      expect(await failure(where, { command, activate, stopTimeoutMs: 50 })).toMatchObject({
        reason: 'exited',
        exitCode: 0,
        message: expect.stringContaining('tell it to stay in the foreground'),
      });
    }));

  it('ignores the signal to end: it is killed after its time', () =>
    behind(async ({ directory, scratch }) => {
      await using manager = new SocketManager();
      const command = python('signal.signal(signal.SIGTERM, signal.SIG_IGN)\nserve(place())');
      const path = join(directory, 'app.sock');
      const reference = await manager.acquire(path, { server: { command, activate, stopTimeoutMs: 50 } });
      const server = serverOf(path);
      await reference.close();
      expect(lives(server)).toBe(false);
      expect(readdirSync(directory)).toEqual([]);
      await until('no process is left', () => processesOf(scratch).length === 0);
    }));

  it('dies later: it is restarted, and works again', () =>
    behind(async ({ directory }) => {
      await using manager = new SocketManager();
      const path = join(directory, 'app.sock');
      const reference = await manager.acquire(path, { server: { command: python('serve(place())'), activate } });
      const keeper = keeperOf(path);
      for (const restarts of [1, 2]) {
        const before = serverOf(path);
        await kill(before);
        await until('it is up again', () => isUpAgain(manager, path, restarts));
        (await reference.connect()).destroy();
        expect(serverOf(path)).not.toBe(before);
        expect(keeperOf(path)).toBe(keeper);
      }
      expect(reference.isActive).toBe(true);
    }));

  it('dies too often: it is given up, and the references end with the reason', () =>
    behind(async ({ directory, scratch }) => {
      await using manager = new SocketManager();
      await using other = new SocketManager();
      const path = join(directory, 'app.sock');
      const server = { command: python('serve(place())'), activate, restart: 1 };
      const reference = await manager.acquire(path, { server });
      const joined = await other.acquire(path);
      const lost = [once(reference.signal, 'abort'), once(joined.signal, 'abort')];
      await kill(serverOf(path));
      await until('it is up again', () => isUpAgain(manager, path, 1));
      await kill(serverOf(path));
      await Promise.all(lost);
      for (const each of [reference, joined]) {
        expect(each.isActive).toBe(false);
        expect(each.signal.reason).toMatchObject({
          code: 'ERR_SOCKREF_SERVER_FAILED',
          reason: 'restarts',
          stderr: 'to stdout\nto stderr',
          message: expect.stringMatching(/was ended by SIGKILL, after 1 restarts in a row/),
        });
        await each.close();
      }
      expect(readdirSync(directory)).toEqual([]);
      await until('no process is left', () => processesOf(scratch).length === 0);
      // No trace of it is left.
      const again = await manager.acquire(path, { server });
      (await again.connect()).destroy();
      await again.close();
    }));
});

it('must listen at a socket, and not at a link to one', () =>
  behind(async (where) => {
    const elsewhere = join(where.scratch, 'elsewhere');
    const program = `
path = os.environ["SOCKREF_LISTEN_PATH"]
os.environ["SOCKREF_LISTEN_PATH"] = sys.argv[1]
s = place()
os.chmod(sys.argv[1], 0o600)
os.symlink(sys.argv[1], path)
serve(s)`;
    const error = await failure(where, { command: [...python(program), elsewhere] }, 0o666);
    expect(error.message).toMatch(/the server put a symbolic link at the path where it must listen/);
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
  }));

it('is not restarted if `restart` is 0', () =>
  behind(async ({ directory }) => {
    await using manager = new SocketManager();
    const path = join(directory, 'app.sock');
    const reference = await manager.acquire(path, { server: { command: python('serve(place())\n'), restart: 0 } });
    const lost = once(reference.signal, 'abort');
    process.kill(serverOf(path), 'SIGTERM');
    await lost;
    expect(reference.signal.reason).toMatchObject({ reason: 'restarts', message: expect.stringContaining('SIGTERM') });
  }));

it('has a path that is too long for its private directory: the error has the numbers', () =>
  behind(async ({ directory }) => {
    await using manager = new SocketManager();
    // The path would fit, but not with the private directory.
    const name = `${'n'.repeat(107 - directory.length - 1 - 5)}.sock`;
    const acquired = manager.acquire(join(directory, name), { server: { command: python('serve(place())') } });
    await expect(acquired).rejects.toMatchObject({
      code: 'ERR_SOCKREF_PATH_TOO_LONG',
      path: join(directory, name),
      length: 107,
      max: 86,
      message: expect.stringMatching(
        new RegExp(
          `"${join(directory, name)}" has 107 bytes; .* adds 21 more, which makes 128 of at most 107; .*activate`,
        ),
      ),
    });
    expect(readdirSync(directory)).toEqual([]);
  }));

/** Listens under names that it chooses, in the given directory. */
const elsewhere = (...names: string[]) => [
  'python3',
  '-uc',
  `
import signal, socket, sys
held = []
for name in sys.argv[2].split():
    s = socket.socket(socket.AF_UNIX)
    s.bind(sys.argv[1] + "/" + name)
    s.listen()
    held.append(s)
print("listening")
signal.pause()`,
  '{dir}',
  names.join(' '),
];

describe('a command that chooses the name of its socket in the given directory', () => {
  it('is reported at once', () =>
    behind(async (where) => {
      const error = await failure(where, { command: elsewhere('.s.PGSQL.5432'), readyTimeoutMs: 60_000 });
      expect(error).toMatchObject({
        code: 'ERR_SOCKREF_SERVER_FAILED',
        reason: 'not-ready',
        stderr: 'listening',
        message: expect.stringMatching(/it listens at \{dir\}\/\.s\.PGSQL\.5432.*sockref run \.s\.PGSQL\.5432 /),
      });
    }));

  it.each([
    ['if it is told the path as well', ['ctl'], ['{socket}'], true],
    ['if it is told a name there', ['ctl'], ['{dir}/ctl'], true],
    ['if it is not the only one', ['ctl', 'other'], [], false],
  ])('is waited for %s', (_, names, args, named) =>
    behind(async (where) => {
      const error = await failure(where, { command: [...elsewhere(...names), ...args], readyTimeoutMs: 5_000 });
      expect(error.message).toMatch(/accepted no connection within 5000 ms/);
      expect(/it listens at \{dir\}\/ctl/.test(error.message)).toBe(named);
    }),
  );
});
