import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { withDirectory } from '../../helpers/directory.js';
import type { PackedProject } from '../../helpers/packed-project.js';

type Format = 'cjs' | 'esm';

interface Bundle {
  readonly entry: string;
  readonly file: string;
  readonly format: Format;
  readonly external: string[];
}

const bundlers = {
  esbuild: async ({ entry, file, format, external }: Bundle) => {
    await build({
      entryPoints: [entry],
      outfile: file,
      bundle: true,
      platform: 'node',
      format,
      external,
      logLevel: 'error',
    });
  },
  rolldown: async ({ entry, file, format, external }: Bundle) => {
    const bundled = await rolldown({ input: entry, platform: 'node', external });
    await bundled.write({ file, format, codeSplitting: false });
    await bundled.close();
  },
  webpack: ({ entry, file, format, external }: Bundle) =>
    new Promise<void>((resolve, reject) => {
      const isModule = format === 'esm';
      const options: webpack.Configuration = {
        mode: 'production',
        target: 'node20',
        entry,
        output: { path: dirname(file), filename: file.slice(dirname(file).length + 1), module: isModule },
        experiments: { outputModule: isModule },
        externals: Object.fromEntries(external.map((name) => [name, `${isModule ? 'module' : 'commonjs'} ${name}`])),
      };
      webpack(options, (error, stats) => {
        const failure = error ?? stats?.compilation.errors[0];
        if (failure) reject(failure);
        else resolve();
      });
    }),
};

const cases = (Object.keys(bundlers) as (keyof typeof bundlers)[]).flatMap((bundler) =>
  (['cjs', 'esm'] as const).map((format) => ({ bundler, format })),
);

const worked = { answer: 'hello', count: 1 };

/** A bundle is in any folder, and does not know the package that is a part of it. */
export function bundlerTests(project: () => PackedProject): void {
  describe.each(cases)('in a $format bundle of $bundler', ({ bundler, format }) => {
    /** A separate project that can lose its packages. The bundles are made where the packages are installed. */
    let workshop: string;
    const name = (kind: string) => `${kind}.${format === 'cjs' ? 'cjs' : 'mjs'}`;

    beforeAll(async () => {
      workshop = mkdtempSync(join(tmpdir(), 'sockref-workshop-'));
      mkdirSync(join(workshop, 'out'));
      mkdirSync(join(workshop, 'node_modules'));
      const modules = join(project().folder, 'node_modules');
      cpSync(join(modules, 'sockref'), join(workshop, 'node_modules/sockref'), { recursive: true });
      symlinkSync(join(modules, 'fs-native-extensions'), join(workshop, 'node_modules/fs-native-extensions'));
      const entry = join(workshop, 'program.mjs');
      cpSync(join(project().folder, 'projects/bundle/program.mjs'), entry);
      const make = (kind: string, external: string[]) =>
        bundlers[bundler]({ entry, file: join(workshop, 'out', name(kind)), format, external });
      await make('external', ['sockref', 'sockref/glide']);
      await make('swallowed', []);
    });

    afterAll(() => rmSync(workshop, { recursive: true, force: true }));

    /** Runs a bundle, and checks that it leaves no socket. */
    const use = async (file: string) => {
      let told: unknown;
      await withDirectory(async (directory) => {
        told = JSON.parse((await project().run(process.execPath, file, directory)).stdout);
        expect(readdirSync(directory)).toEqual([]);
      });
      return told;
    };

    /** Puts the bundle where the package is not installed, beside a program that it must not run. */
    const moved = (to: string) => {
      const folder = join(workshop, to);
      mkdirSync(join(folder, 'keeper'), { recursive: true });
      writeFileSync(join(folder, 'keeper/main.cjs'), planted(folder));
      mkdirSync(join(folder, 'out'));
      cpSync(join(workshop, 'out', name('swallowed')), join(folder, 'out', name('swallowed')));
      return folder;
    };

    it('works as an external package', async () => {
      expect(await use(join(workshop, 'out', name('external')))).toEqual({ served: worked, command: worked });
    });

    it('works as a part of the bundle where the package is installed', async () => {
      expect(await use(join(workshop, 'out', name('swallowed')))).toEqual({ served: worked, command: worked });
    });

    it('as a part of a bundle that has lost the package, loads, says what to do, and runs nothing that is planted', async () => {
      // Some bundlers record the place of the package.
      renameSync(join(workshop, 'node_modules'), join(workshop, 'gone'));
      const refused = { code: 'ERR_SOCKREF_UNSUPPORTED', message: expect.stringContaining('keep "sockref" external') };

      const alone = moved('alone');
      expect(await use(join(alone, 'out', name('swallowed')))).toEqual({ served: refused, command: refused });

      const beside = moved('beside-another-version');
      const other = join(beside, 'node_modules/sockref');
      mkdirSync(join(other, 'dist/keeper'), { recursive: true });
      writeFileSync(join(other, 'dist/keeper/main.cjs'), planted(beside));
      writeFileSync(join(other, 'package.json'), '{ "name": "sockref", "version": "99.0.0" }');
      symlinkSync(join(project().folder, 'node_modules/fs-native-extensions'), join(other, '../fs-native-extensions'));
      const told = { ...refused, message: expect.stringMatching(/has sockref 99\.0\.0\); keep "sockref" external/) };
      expect(await use(join(beside, 'out', name('swallowed')))).toEqual({ served: worked, command: told });

      for (const folder of [alone, beside]) expect(existsSync(join(folder, 'ran'))).toBe(false);
    });
  });
}

/** A program that leaves a trace. */
function planted(folder: string): string {
  return `import('node:fs').then((fs) => fs.writeFileSync(${JSON.stringify(join(folder, 'ran'))}, ''));`;
}
