import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shellCommand } from '#src/shell-words.js';
import { bundled, Cli, cli, withServed } from '../helpers/cli.js';
import { refusing } from '../helpers/refusing.js';

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));
const serve = shellCommand([process.execPath, shouter, '{socket}']);
// The release may take that long, too: the tracer makes the keeper slow.
const args = ['run', 'a.sock', '--stop-timeout', '10m', '--serve', serve, '--', 'sh', '-c', 'exit 3'];
const under = (calls: string, errno: string) => {
  const [strace = '', ...rest] = refusing(calls, errno);
  return { command: [strace, ...rest, process.execPath, bundled] as const };
};

describe('run, whose keeper could not end everything', () => {
  it('says which server still runs, at once, and has the status of its command', () =>
    withServed(async ({ directory, env }) => {
      const running = new Cli(args, { env, ...under('kill', 'EPERM') });
      const told =
        /^sockref: The server of \S+a\.sock could not be ended, and still runs \(pid (\d+)\): kill failed with EPERM; .*\n$/;
      const [, pid] = await running.says('stderr', told);
      // The tracer waits for its descendants.
      process.kill(Number(pid), 'SIGKILL');
      expect(await running.ended).toMatchObject({ code: 3, signal: null });
      await cli(['doctor', '--fix'], { env });
      expect(readdirSync(directory)).toEqual([]);
    }));

  it('says what could not be removed, and has the status of its command', () =>
    withServed(async ({ directory, env }) => {
      const run = await cli(args, { env, ...under('unlink,unlinkat', 'EIO') });
      expect(run).toMatchObject({ code: 3, signal: null });
      expect(run.stderr).toMatch(
        /^sockref: Cannot remove all that belongs to \S+a\.sock \(the next acquire will\): unlink failed with EIO\n$/,
      );
      expect(await cli(args, { env })).toMatchObject({ code: 3, stderr: '' });
      for (const orphan of readdirSync(directory)) expect(orphan).toMatch(/^\.sr-/);
      await cli(['doctor', '--fix'], { env });
    }));
});
