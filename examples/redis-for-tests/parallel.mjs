/**
 * Runs the tests in five vitest processes at the same time, each by `sockref run`, and says how many servers they had.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createClient } from '@redis/client';

const shards = [1, 2, 3, 4, 5];

// The five processes start independently, like five people or five jobs. The first one starts the server.
const codes = await Promise.all(
  shards.map(async (shard) => {
    const vitest = ['vitest', 'run', '--pool=threads', `--shard=${shard}/${shards.length}`];
    const [code] = await once(spawn('sockref', ['run', 'cache.sock', '--', ...vitest], { stdio: 'inherit' }), 'exit');
    return code;
  }),
);

// `sockref run` runs this program, too, so the server is up until it ends.
const client = createClient({ socket: { path: process.env['SOCKREF_PATH'] ?? '', tls: false } });
await client.connect();
const seen = await client.sCard('vitest-processes');
const [, pid] = /^process_id:(\d+)/m.exec(await client.info('server')) ?? [];
await client.close();

console.log(`${seen} vitest processes used one redis-server, process ${pid}; they exited with ${codes.join(', ')}`);
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
