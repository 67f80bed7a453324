import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PackedProject } from '../../helpers/packed-project.js';

const require = createRequire(import.meta.url);

/** TypeScript 5 comes with the tool that checks our exports: it still knows `node10`, and no `require()` of ES modules. */
const compilers = {
  5: resolveThrough('@arethetypeswrong/cli/package.json', '@arethetypeswrong/core', 'typescript/package.json'),
  7: require.resolve('typescript/package.json'),
};

const module = 'program.ts';
const commonJs = 'projects/typescript/commonjs/program.ts';
const mixed = 'projects/typescript/mixed.cts';

const cases = [
  { compiler: 5, resolution: 'node10', module: 'commonjs', programs: [commonJs] },
  { compiler: 5, resolution: 'node16', module: 'node16', programs: [module, commonJs, mixed] },
  { compiler: 5, resolution: 'bundler', module: 'esnext', programs: [module] },
  { compiler: 7, resolution: 'node16', module: 'node16', programs: [module, commonJs, mixed] },
  { compiler: 7, resolution: 'nodenext', module: 'nodenext', programs: [module, commonJs, mixed] },
  { compiler: 7, resolution: 'bundler', module: 'esnext', programs: [module] },
] as const;

const output = 'hello from a.sock\nglide 1 true\n';

export function typescriptTests(project: () => PackedProject): void {
  describe('in a program of TypeScript', () => {
    it.each(cases)('$compiler works with moduleResolution $resolution', async (options) => {
      const { compiler, resolution, programs } = options;
      const outDir = `out-${compiler}-${resolution}`;
      const config = join(project().folder, `tsconfig.${compiler}-${resolution}.json`);
      writeFileSync(
        config,
        JSON.stringify({
          compilerOptions: {
            module: options.module,
            moduleResolution: resolution,
            target: 'es2022',
            lib: ['es2023', 'esnext.disposable'],
            types: ['node'],
            strict: true,
            // Checking the declarations of Node, too, is slow, so only one case does it.
            skipLibCheck: resolution !== 'nodenext',
            rootDir: '.',
            outDir,
          },
          files: programs,
        }),
      );
      const tsc = join(dirname(compilers[compiler]), 'bin/tsc');
      expect((await project().run(process.execPath, tsc, '-p', config)).stdout).toBe('');
      const compiled = programs.map((each) => join(project().folder, outDir, each.replace(/ts$/, 'js')));
      for (const file of compiled) {
        // What the program is for Node is told beside the source, and has to be told beside what was made of it.
        if (file.includes('commonjs')) writeFileSync(join(dirname(file), 'package.json'), '{ "type": "commonjs" }');
        expect((await project().run(process.execPath, file)).stdout).toBe(output);
      }
    });
  });
}

/** A package, as a dependency of another one finds it. */
function resolveThrough(...names: string[]): string {
  return names.reduce((from, name) => createRequire(from).resolve(name), import.meta.filename);
}
