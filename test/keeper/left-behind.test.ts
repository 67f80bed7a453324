import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SocketManager } from 'sockref';
import { expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { behind, keeperOf, logsOf, serverOf } from '../helpers/behind.js';
import { lives } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

/** Listens in both modes, after it has left a process in its group that has no descriptor of the server. */
const program = `
import os, socket, subprocess, time
child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL, close_fds=True)
print(child.pid, flush=True)
if os.environ.get("LISTEN_FDS"):
    server = socket.socket(fileno=3)
else:
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.environ["SOCKREF_LISTEN_PATH"])
    server.listen()
while True:
    server.accept()[0].close()
`;

it.each([false, true])('processes that a dead server left in its group are ended (activation: %s)', (activate) =>
  behind(async ({ directory, scratch }) => {
    await using manager = new SocketManager();
    const path = join(directory, 'app.sock');
    writeFileSync(join(scratch, 'server.py'), program);
    const command = ['python3', join(scratch, 'server.py')];
    const reference = await manager.acquire(path, { server: { command, activate, restart: 0 } });
    const lost = once(reference.signal, 'abort');
    await kill(serverOf(path));
    await lost;
    const left = Number(reference.signal.reason.stderr);
    expect(left).toBeGreaterThan(1);
    expect(lives(left)).toBe(false);
  }),
);

it.each([false, true])('the next owner ends them when the keeper has died, too (activation: %s)', (activate) =>
  behind(async ({ directory, scratch }) => {
    await using manager = new SocketManager();
    const path = join(directory, 'app.sock');
    writeFileSync(join(scratch, 'server.py'), program);
    const server = { command: ['python3', join(scratch, 'server.py')], activate };
    const reference = await manager.acquire(path, { server });
    const before = { keeper: keeperOf(path), server: serverOf(path), left: Number(logsOf({ directory, scratch })) };
    expect(lives(before.left)).toBe(true);
    await kill(before.keeper, before.server);
    await until('another keeper serves', async () => {
      const now = await manager.inspect(path);
      return now?.server?.state === 'running' && now.server.pid !== before.server;
    });
    expect(lives(before.left)).toBe(false);
    await reference.close();
  }),
);
