import { describe, expect, it } from 'vitest';
import { Cli, cli, withHome } from '../helpers/cli.js';
import { start } from '../helpers/program.js';
import { until } from '../helpers/until.js';

describe('sockref connect', () => {
  it('ends its writing side with stdin, and still gets the rest of the answer', () =>
    withHome(async (_, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const input = 'hello, '.repeat(50_000);
      const { code, stdout, stderr } = await cli(['connect', 'a.sock'], { env, input });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe(input.toUpperCase());
      owner.end();
      await owner.exited;
    }));

  it('holds a reference meanwhile, and ends when the server ends its side', () =>
    withHome(async (_, env) => {
      const owner = await start('holder.mjs', { env });
      await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
      const running = new Cli(['connect', 'a.sock', '--label', 'by hand'], { env });
      running.child.stdin?.write('x');
      const inspect = async () => JSON.parse((await cli(['inspect', 'a.sock', '--json'], { env })).stdout);
      const info = await until('it holds a reference', async () => {
        const seen = await inspect();
        return seen.references === 2 ? seen : undefined;
      });
      expect(info.members).toMatchObject([{ pid: running.pid, label: 'by hand', references: 1, canServe: false }]);
      running.child.stdin?.end('yz');
      expect(await running.ended).toMatchObject({ code: 0, stdout: 'XYZ' });
      expect((await inspect()).references).toBe(1);
      owner.end();
      await owner.exited;
    }));

  it('fails where no process serves', () =>
    withHome(async (_, env) => {
      const { code, stdout, stderr } = await cli(['connect', 'a.sock'], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^sockref: No process serves \S+\/a\.sock; start it first \(sockref run .*\n$/);
    }));
});
