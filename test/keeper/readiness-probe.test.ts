import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { behind } from '../helpers/behind.js';
import { readAll } from '../helpers/serve.js';

/** A server that greets each client, and cannot handle a client that has already left. */
const naive = `
  require('node:net').createServer((socket) => socket.end('hello'))
    .listen(process.env.LISTEN_FDS ? { fd: 3 } : process.env.SOCKREF_LISTEN_PATH)`;

it.each([false, true])('a server that cannot handle a lost client survives the probe (activation: %s)', (activate) =>
  behind(async ({ directory }) => {
    await using manager = new SocketManager();
    const path = join(directory, 'app.sock');
    const reference = await manager.acquire(path, { server: { command: ['node', '-e', naive], activate, restart: 0 } });
    for (let times = 0; times < 3; times++) expect(await readAll(await reference.connect())).toBe('hello');
    expect((await manager.inspect(path))?.server).toMatchObject({ state: 'running', restarts: 0 });
    await reference.close();
  }),
);
