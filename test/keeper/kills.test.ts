import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kill } from '../../labs/lib/signals.mjs';
import { behind, keeperOf, serverOf } from '../helpers/behind.js';
import { Cli, cli } from '../helpers/cli.js';
import { processesOf } from '../helpers/processes.js';
import { until } from '../helpers/until.js';

/** `sockref run` with a redis-server, and a command for the shell. */
function run(path: string, command: string): string[] {
  const serve = `redis-server --port 0 --unixsocket {socket} --save ''`;
  return ['run', path, '--serve', serve, '--', 'sh', '-c', command];
}

const ask = 'redis-cli -s "$SOCKREF_PATH"';

/** The redis-servers that run. */
function redisServers(scratch: string): number[] {
  return processesOf(scratch).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd() === 'redis-server';
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

describe('after SIGKILL of', () => {
  it.each([
    ['keeper'],
    ['server'],
    ['run'],
    ['keeper, server'],
    ['keeper, run'],
    ['server, run'],
    ['keeper, server, run'],
  ] as const)('%s: the next `sockref run` works, with one server and no orphan', (victims) =>
    behind(async ({ directory, scratch }) => {
      const path = join(directory, 'cache.sock');
      // It reports that the server is up, and then stays until the test ends it.
      const first = new Cli(run(path, `${ask} PING; echo $$; exec sleep 600`));
      const [, command] = await first.says('stdout', /PONG\n(\d+)\n/);
      const pids = { keeper: keeperOf(path), server: serverOf(path), run: first.pid };
      await kill(...victims.split(', ').map((victim) => pids[victim as keyof typeof pids]));

      const next = await cli(run(path, `${ask} INFO server; exit 7`));
      expect(next).toMatchObject({ code: 7, stderr: '' });
      const [, server] = /^process_id:(\d+)/m.exec(next.stdout) ?? [];
      expect(redisServers(scratch).filter((pid) => pid !== Number(server))).toEqual([]);
      // If the server was not killed, it is the same process.
      if (victims === 'run') expect(Number(server)).toBe(pids.server);

      process.kill(Number(command));
      await until('no process is left', () => processesOf(scratch).length === 0);
      expect(readdirSync(directory)).toEqual([]);
    }),
  );
});
