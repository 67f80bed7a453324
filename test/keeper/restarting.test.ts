import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { acquire, SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { behind, serverOf } from '../helpers/behind.js';
import { root } from '../helpers/samples.js';
import { until } from '../helpers/until.js';

// As long as there is a file "wait", a started server does not come up. With a file "broken" it exits after that.
const start = 'while [ -e "$0/wait" ]; do sleep 0.02; done; [ ! -e "$0/broken" ] || exit 9; exec "$@"';
const server = [process.execPath, join(root, 'examples/http/server.mjs')];

/** Connects once, without waiting. */
async function connectOnce(path: string): Promise<string> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return 'connected';
  } finally {
    socket.destroy();
  }
}

it.each([false, true])('no acquire is refused while a server restarts, activate: %s', (activate) =>
  behind(async ({ directory, scratch }) => {
    const path = join(directory, 'web.sock');
    const wait = join(scratch, 'wait');
    const command = ['sh', '-c', start, scratch, ...server];
    await using reference = await acquire(path, { server: { command, activate } });
    await using other = new SocketManager();
    writeFileSync(wait, '');
    const killed = serverOf(path);
    await kill(killed);
    await until('it is started again', () => serverOf(path) !== killed);

    const connecting = other.acquire(path).then((late) => connectOnce(late.path));
    const outcome = connecting.catch((error: unknown) => error);
    await until('the other one is attached', () => reference.referenceCount === 2);
    expect((await other.inspect(path))?.server).toMatchObject({ state: 'restarting', restarts: 1 });
    rmSync(wait);
    expect(await outcome).toBe('connected');
  }),
);

it('an acquire that waits for a restarting server gets the error when it fails for good', () =>
  behind(async ({ directory, scratch }) => {
    const path = join(directory, 'web.sock');
    const command = ['sh', '-c', start, scratch, ...server];
    const reference = await acquire(path, { server: { command, restart: 1 } });
    await using other = new SocketManager();
    for (const name of ['wait', 'broken']) writeFileSync(join(scratch, name), '');
    const killed = serverOf(path);
    await kill(killed);
    await until('it is started again', () => serverOf(path) !== killed);

    const failed = other.acquire(path, { timeoutMs: 60_000 }).catch((error: unknown) => error);
    await until('the other one is attached', () => reference.referenceCount === 2);
    rmSync(join(scratch, 'wait'));
    expect(await failed).toMatchObject({ code: 'ERR_SOCKREF_SERVER_FAILED', exitCode: 9 });
    await until('the first one has heard of it', () => !reference.isActive);
    expect(reference.signal.reason).toMatchObject({ code: 'ERR_SOCKREF_SERVER_FAILED', exitCode: 9 });
    await reference.close();
  }));
