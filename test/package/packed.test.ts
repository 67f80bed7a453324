import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cleanEnv, type PackedProject, packedProject, slowTestMs } from '../helpers/packed-project.js';
import { until } from '../helpers/until.js';
import { bundlerTests } from './parts/bundlers.js';
import { jestTests } from './parts/jest.js';
import { runtimeTests } from './parts/runtimes.js';
import { stackTests } from './parts/stacks.js';
import { typescriptTests } from './parts/typescript.js';

const run = promisify(execFile);

vi.setConfig({ testTimeout: slowTestMs, hookTimeout: slowTestMs });

/** The project into which the packed package is installed, once for all of these tests. */
let project: PackedProject;

beforeAll(async () => {
  project = await packedProject();
});

afterAll(() => project.remove());

const inProject = (command: string, ...args: string[]) => project.run(command, ...args);

describe('the package', () => {
  it('has the library and its pages, and nothing else', () => {
    const { files } = project;
    const unexpected = files.filter(
      (path) =>
        !/^(dist\/\w+\.(js|js\.map|d\.ts)|dist\/types\/.*\.d\.ts|dist\/(cjs|keeper)\/[\w-]+\.cjs(\.map)?|dist\/types\/package\.json|dist\/bin\/.*\.cjs|dist\/third-party-licenses\.txt|docs\/.*|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
          path,
        ),
    );
    expect(unexpected).toEqual([]);
    expect(files.filter((path) => /test|fixture|\.tsbuildinfo$/.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/glide.js',
        'dist/cjs/index.cjs',
        'dist/cjs/glide.cjs',
        'dist/types/index.d.ts',
        'dist/keeper/main.cjs',
        'dist/keeper/activation-worker.cjs',
        'dist/third-party-licenses.txt',
        'dist/bin/sockref.cjs',
        'LICENSE',
      ]),
    );
  });

  it('is bundled: one file for each entry, and one that they share', () => {
    for (const [folder, end] of [
      ['', 'js'],
      ['cjs/', 'cjs'],
    ]) {
      const pattern = new RegExp(`^dist/${folder}[^/]*\\.${end}$`);
      expect(project.files.filter((path) => pattern.test(path)).sort()).toEqual(
        ['glide', 'index', 'library'].map((name) => `dist/${folder}${name}.${end}`),
      );
    }
  });

  it('holds the licence of each package that is bundled', () => {
    const { folder } = project;
    const licences = readFileSync(join(folder, 'node_modules/sockref/dist/third-party-licenses.txt'), 'utf8');
    for (const name of ['valibot', 'commander']) expect(licences).toMatch(new RegExp(`^${name} \\d.*\\n\\n.*MIT`, 'm'));
  });

  it('does not depend on packages that only this repository needs', () => {
    const installed = JSON.parse(readFileSync(join(project.folder, 'node_modules/sockref/package.json'), 'utf8'));
    expect(Object.keys(installed.dependencies).sort()).toEqual(['fs-native-extensions']);
  });
});

describe('installed', () => {
  const output = 'hello from a.sock\nglide 1 true\n';

  it('works from an ES module', async () => {
    expect((await inProject('node', 'program.mjs')).stdout).toBe(output);
  });

  it('works from CommonJS', async () => {
    expect((await inProject('node', 'program.cjs')).stdout).toBe(output);
  });

  it('does not give access to internal modules', async () => {
    for (const specifier of [
      'sockref/dist/index.js',
      'sockref/dist/library.js',
      'sockref/dist/modules/files/lock-file.js',
      'sockref/src/index.ts',
      'sockref/errors',
    ]) {
      const program = `import('${specifier}').then(() => console.log('reached'), ({ code }) => console.log(code))`;
      const { stdout } = await inProject('node', '--eval', program);
      expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
    }
    expect((await inProject('node', '--print', "require('sockref/package.json').name")).stdout).toBe('sockref\n');
  });

  it('has a command', async () => {
    const serve =
      "import('sockref').then(({ acquire }) => acquire('a.sock', { serve: (socket) => socket.end('hello') }))";
    const server = execFile('node', ['--eval', serve], {
      cwd: project.folder,
      env: { ...cleanEnv, SOCKREF_DIR: project.folder },
    });
    try {
      const asked = { cwd: project.folder, env: { ...cleanEnv, SOCKREF_DIR: project.folder } };
      const path = await until('it is served', () =>
        run(
          join(project.folder, 'node_modules/.bin/sockref'),
          ['run', 'a.sock', '--', 'printenv', 'SOCKREF_PATH'],
          asked,
        ).then(
          ({ stdout }) => stdout,
          () => undefined,
        ),
      );
      expect(path).toBe(`${project.folder}/a.sock\n`);
    } finally {
      server.kill();
    }
  });

  it('loads no native code until it is used', async () => {
    const program =
      "await import('sockref'); console.log(process.report.getReport().sharedObjects.filter((each) => each.includes('fs-native')).length)";
    expect((await inProject('node', '--input-type=module', '--eval', program)).stdout).toBe('0\n');
  });
});

jestTests(() => project);
typescriptTests(() => project);
bundlerTests(() => project);
runtimeTests(() => project);
stackTests(() => project);
