import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withDirectory } from '../../helpers/directory.js';
import type { PackedProject } from '../../helpers/packed-project.js';
import { runtime } from '../../helpers/runtime.js';

/** How long the download of a runtime may take, in milliseconds. It happens once. */
const fetchTimeoutMs = 600_000;

const command = 'node_modules/sockref/dist/bin/sockref.cjs';

const refusing = [
  {
    id: 'deno',
    flags: ['run', '-A', '--node-modules-dir=manual'],
    says: /^sockref does not run on Deno,.* use Node or Bun$/,
  },
  { id: 'node-18', flags: [], says: /^sockref needs Node 20 from 20\.19, .*, and this is Node 18\.20\.8$/ },
] as const;

export function runtimeTests(project: () => PackedProject): void {
  describe.each(refusing)('on $id', ({ id, flags, says }) => {
    it('is refused before anything is loaded or made', { timeout: fetchTimeoutMs }, () =>
      withDirectory(async (directory) => {
        const path = join(directory, 'a.sock');
        const { stdout } = await project().run(await runtime(id), ...flags, 'projects/runtimes/refused.mjs', path);
        expect(JSON.parse(stdout)).toEqual({
          code: 'ERR_SOCKREF_UNSUPPORTED',
          message: expect.stringMatching(says),
        });
        expect(readdirSync(directory)).toEqual([]);
      }),
    );

    it('has a command that says so, in one line', { timeout: fetchTimeoutMs }, async () => {
      const run = project().run(await runtime(id), ...flags, command, 'run', 'a.sock', '--', 'true');
      const { code, stderr } = await run.catch((error) => error);
      expect(code).toBe(125);
      expect(stderr).toMatch(/^sockref: .*\n$/);
      expect(stderr.trimEnd().slice('sockref: '.length)).toMatch(says);
    });
  });

  it.each(['bun', 'node'] as const)(
    'serves, joins, takes over after a crash and runs commands on %s',
    { timeout: fetchTimeoutMs },
    (id) =>
      withDirectory(async (directory) => {
        const program = id === 'node' ? process.execPath : await runtime(id);
        const { stdout } = await project().run(program, 'projects/runtimes/smoke.mjs', directory);
        expect(stdout).toBe('all is well\n');
      }),
  );
}
