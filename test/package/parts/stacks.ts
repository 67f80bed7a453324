import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PackedProject } from '../../helpers/packed-project.js';
import { root } from '../../helpers/samples.js';

const refused = 'new SocketManager({ limits: 1 })';
const file = (project: PackedProject, path: string) =>
  JSON.stringify(join(project.folder, 'node_modules/sockref/dist', path));

/** By file, because Node takes the ES modules for `require()` too. */
const programs = {
  'ES modules': (project: PackedProject) =>
    `import(${file(project, 'index.js')}).then(({ SocketManager }) => ${refused})`,
  CommonJS: (project: PackedProject) =>
    `const { SocketManager } = require(${file(project, 'cjs/index.cjs')}); ${refused}`,
} as const;

/** The library is bundled; what went wrong is to be found in the source all the same. */
export function stackTests(project: () => PackedProject): void {
  describe('an error in a program with --enable-source-maps', () => {
    it.each(['ES modules', 'CommonJS'] as const)('tells the lines of the source: %s', async (format) => {
      const program = programs[format](project());
      const { stderr } = await project()
        .run('node', '--enable-source-maps', '--eval', program)
        .then(
          () => expect.unreachable('the error is uncaught'),
          (error: { stderr: string }) => error,
        );
      const frames = [...stderr.matchAll(/^ +at (?:new )?(\S+) \(.*\/sockref\/src\/(\S+):(\d+):\d+\)$/gm)];
      expect(frames.map(([, name, source]) => `${name} ${source}`)).toEqual([
        'invalidOption api/check.ts',
        'checkOptions api/check.ts',
        'resolveManagerOptions api/options.ts',
        'SocketManager api/manager.ts',
      ]);
      const [first, second] = frames.map(([, , source, line]) => lineOf(`src/${source}`, Number(line)));
      expect(first).toContain('new SocketReferenceError(');
      expect(second).toContain('throw invalidOption(');
      // Node shows the line itself, which it has from the map: the package contains no source.
      expect([first, second]).toContain(stderr.split('\n')[1]);
    });
  });
}

function lineOf(path: string, line: number): string | undefined {
  return readFileSync(join(root, path), 'utf8').split('\n')[line - 1];
}
