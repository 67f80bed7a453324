import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PackedProject } from '../../helpers/packed-project.js';

const require = createRequire(import.meta.url);

/** Jest gives each test file its own realm, with another `Error`, and cannot load ES modules without a flag. */
export function jestTests(project: () => PackedProject): void {
  describe.each(['jest-29', 'jest-30'])('in %s', (jest) => {
    const run = (flags: string[], pattern: string) => {
      const program = join(dirname(require.resolve(`${jest}/package.json`)), 'bin/jest.js');
      const rootDir = join(project().folder, 'projects/jest');
      const cacheDirectory = join(project().folder, `cache-${jest}`);
      mkdirSync(cacheDirectory, { recursive: true });
      const config = {
        rootDir,
        cacheDirectory,
        transform: {},
        testMatch: [`**/${pattern}`],
        moduleFileExtensions: ['js', 'cjs', 'mjs'],
        watchman: false,
      };
      return project().run(process.execPath, ...flags, program, '--ci', '-i', '--config', JSON.stringify(config));
    };

    it('works from CommonJS, without a transformer', async () => {
      expect((await run([], '*.test.cjs')).stderr).toContain('Tests:       5 passed, 5 total');
    });

    it('works from ES modules and from CommonJS with --experimental-vm-modules', async () => {
      const { stderr } = await run(['--experimental-vm-modules', '--no-warnings'], '*.test.?js');
      expect(stderr).toContain('Tests:       11 passed, 11 total');
    });
  });
}
