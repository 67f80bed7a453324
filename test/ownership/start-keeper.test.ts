import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { expect, it, onTestFinished } from 'vitest';
import { Directory } from '#src/files/directory.js';
import { LockFile } from '#src/files/lock-file.js';
import { endpointNames } from '#src/files/place.js';
import { type Behind, behind, keeperOf } from '../helpers/behind.js';
import { processesOf } from '../helpers/processes.js';
import { until } from '../helpers/until.js';

const { execPath } = process;

const command = [
  'python3',
  '-c',
  'import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\nwhile True: s.accept()[0].close()',
  '{socket}',
];

/**
 * Has keepers started by a script, in which "$@" is what Node is to be given, and `first` says whether it is the first one.
 */
function keepersBy({ scratch }: Behind, script: string): void {
  const file = join(scratch, 'node');
  writeFileSync(
    file,
    `#!/bin/sh\nfirst() { mkdir '${scratch}/first' 2>/dev/null; }\n${script}\nexec '${execPath}' "$@"\n`,
  );
  chmodSync(file, 0o700);
  process.execPath = file;
  onTestFinished(() => {
    process.execPath = execPath;
  });
}

it.each([
  ['before it was told its task', 'first && kill -9 $$'],
  ['before it has read all of its task', 'first && head -c 1 <&4 >/dev/null && kill -9 $$'],
  ['when it has read its task', 'first && cat <&4 >/dev/null && kill -9 $$'],
  ['in the middle of its answer', `first && cat <&4 >/dev/null && printf '{"up":t' >&4 && kill -9 $$`],
  ['when it was up', `first && cat <&4 >/dev/null && echo '{"up":true}' >&4 && kill -9 $$`],
])('a keeper that is killed %s is replaced by another one', (_, script) =>
  behind(async (where) => {
    keepersBy(where, script);
    const path = join(where.directory, 'app.sock');
    await using manager = new SocketManager();
    const reference = await manager.acquire(path, { server: { command } });
    expect(existsSync(join(where.scratch, 'first'))).toBe(true);
    (await reference.connect()).destroy();
    await reference.close();
    expect(readdirSync(where.directory)).toEqual([]);
  }),
);

it('a keeper that crashes is reported, with its last output', () =>
  behind(async (where) => {
    keepersBy(where, 'echo "out of everything" >&2; exit 7');
    await using manager = new SocketManager();
    const acquired = manager.acquire(join(where.directory, 'app.sock'), { server: { command } });
    await expect(acquired).rejects.toMatchObject({
      code: 'ERR_SOCKREF_SERVER_FAILED',
      reason: 'keeper',
      stderr: expect.stringContaining('out of everything'),
    });
  }));

it.each([
  ['before they were told their task', 'kill -9 $$', 'was ended by SIGKILL', ''],
  ['when they were up', `cat <&4 >/dev/null && echo '{"up":true}' >&4 && kill -9 $$`, 'was ended by SIGKILL', ''],
  [
    'and say why when they were up',
    `cat <&4 >/dev/null; echo '{"up":true}' >&4; echo why >&2; exit 7`,
    'status 7',
    'why',
  ],
  [
    'since a file of theirs is broken',
    `exec '${execPath}' --eval 'throw new TypeError("no file")'`,
    'status 1',
    'no file',
  ],
])('keepers that all die %s are given up soon, and told of', (_, script, how, said) =>
  behind(async (where) => {
    keepersBy(where, `echo >>'${where.scratch}/begun'; ${script}`);
    await using manager = new SocketManager();
    const acquired = manager.acquire(join(where.directory, 'app.sock'), { server: { command } });
    await expect(acquired).rejects.toMatchObject({
      code: 'ERR_SOCKREF_SERVER_FAILED',
      reason: 'keeper',
      message: expect.stringMatching(
        new RegExp(`^.*died 3 times in a row before the server was up.*${how}.*${said}.*$`),
      ),
      stderr: expect.stringContaining(said),
    });
    expect(readFileSync(join(where.scratch, 'begun'), 'utf8')).toBe('\n\n\n');
    expect(readdirSync(where.directory)).toEqual([]);
  }),
);

it('references end with the reason when no new keeper lives', () =>
  behind(async (where) => {
    await using manager = new SocketManager();
    const path = join(where.directory, 'app.sock');
    const reference = await manager.acquire(path, { server: { command } });
    keepersBy(where, 'echo "no memory" >&2; exit 5');
    const lost = once(reference.signal, 'abort');
    process.kill(keeperOf(path), 'SIGKILL');
    await lost;
    expect(reference.signal.reason).toMatchObject({
      code: 'ERR_SOCKREF_SERVER_FAILED',
      reason: 'keeper',
      stderr: 'no memory',
    });
    await until('all is repaired', () => readdirSync(where.directory).length === 0);
  }));

it('keepers that die soon after their server is up, again and again, are not replaced for ever', () =>
  behind(async (where) => {
    await using manager = new SocketManager();
    const path = join(where.directory, 'app.sock');
    const reference = await manager.acquire(path, { server: { command, restart: 3 } });
    let failovers = 0;
    const killed = new Set<number>();
    const kill = (): void => {
      killed.add(keeperOf(path));
      process.kill(keeperOf(path), 'SIGKILL');
    };
    manager.on('failover', () => {
      failovers++;
      kill();
    });
    const lost = once(reference.signal, 'abort');
    kill();
    await lost;
    expect(reference.signal.reason).toMatchObject({
      code: 'ERR_SOCKREF_SERVER_FAILED',
      reason: 'keeper',
      message: expect.stringContaining('has died 4 times in a row, each time soon after the server was up'),
    });
    expect([failovers, killed.size]).toEqual([3, 4]);
    // The next acquire counts from zero.
    const next = await manager.acquire(path, { server: { command, restart: 0 } });
    (await next.connect()).destroy();
    await next.close();
    expect(readdirSync(where.directory)).toEqual([]);
  }));

it('a keeper whose lock file was replaced while it started does not touch the new one', () =>
  behind(async (where) => {
    const path = join(where.directory, 'app.sock');
    keepersBy(where, `first && rm '${path}.lock' && (umask 077; : >'${path}.lock')`);
    await using manager = new SocketManager();
    const reference = await manager.acquire(path, { server: { command } });
    (await reference.connect()).destroy();
    await reference.close();
    expect(readdirSync(where.directory)).toEqual([]);
  }));

it('a keeper that finds a foreign file in its place reports it, and leaves it there', () =>
  behind(async (where) => {
    const path = join(where.directory, 'app.sock');
    keepersBy(where, `first && : >'${path}.ctl'`);
    await using manager = new SocketManager();
    await expect(manager.acquire(path, { server: { command } })).rejects.toMatchObject({
      code: 'ERR_SOCKREF_ADDRESS_IN_USE',
      path,
    });
    expect(readdirSync(where.directory)).toEqual(['app.sock.ctl']);
    rmSync(`${path}.ctl`);
    await (await manager.acquire(path, { server: { command } })).close();
  }));

it.each([
  ['has not been told its task', 'until [ -e "$OPEN" ]; do sleep 0.01; done'],
  ['runs a server that is not ready', ''],
])('an acquire that is given up while its keeper %s leaves nothing', (_, script) =>
  behind(async (where) => {
    const open = join(where.scratch, 'open');
    keepersBy(where, `: >'${where.scratch}/begun'; OPEN='${open}'; ${script}`);
    const path = join(where.directory, 'app.sock');
    const manager = new SocketManager();
    const given = new AbortController();
    const server = { command: ['sh', '-c', `: >'${where.scratch}/waits'; exec sleep 1000`] };
    const acquired = manager.acquire(path, { server, signal: given.signal });
    const sign = join(where.scratch, script ? 'begun' : 'waits');
    await until('it waits', () => existsSync(sign));
    given.abort(new Error('enough'));
    await expect(acquired).rejects.toThrow();
    const closed = manager.close();
    mkdirSync(open);
    await closed;
    expect(readdirSync(where.directory)).toEqual([]);
    // It has not waited for a member.
    await until('no process is left', () => processesOf(where.scratch).length === 0, 8_000);
  }),
);

it('an acquire that is given up leaves the keeper to the other waiting acquires', () =>
  behind(async (where) => {
    const path = join(where.directory, 'app.sock');
    await using manager = new SocketManager();
    await using other = new SocketManager();
    const given = new AbortController();
    const ready = join(where.scratch, 'ready');
    const server = {
      command: ['sh', '-c', `until [ -e '${ready}' ]; do sleep 0.01; done; exec "$@"`, 'sh', ...command],
    };
    const acquired = manager.acquire(path, { server, signal: given.signal });
    await until('it is up', () => existsSync(`${path}.ctl`));
    const joined = other.acquire(path, { server });
    await until('both wait', async () => (await manager.inspect(path))?.members.length === 2);
    const keeper = keeperOf(path);
    given.abort();
    await expect(acquired).rejects.toThrow();
    writeFileSync(ready, '');
    const reference = await joined;
    expect(keeperOf(path)).toBe(keeper);
    expect(reference.referenceCount).toBe(1);
  }));

it('is the owner, and no other process could become it in between', () =>
  behind(async (where) => {
    const path = join(where.directory, 'app.sock');
    await using manager = new SocketManager();
    let held = 0;
    let tries = 0;
    const acquired = manager.acquire(path, { server: { command } });
    let done = false;
    const reference = acquired.finally(() => {
      done = true;
    });
    const directory = Directory.open(where.directory);
    const place = { directory, names: endpointNames('app.sock'), path };
    await until('it is claimed', () => existsSync(`${path}.lock`));
    while (!done) {
      const attempt = LockFile.attempt(place, false);
      tries++;
      if (attempt.kind === 'held') {
        held++;
        attempt.lock.release();
      }
      await new Promise(setImmediate);
    }
    directory.release();
    await reference;
    expect(held).toBe(0);
    expect(tries).toBeGreaterThan(10);
  }));
