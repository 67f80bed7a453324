import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../helpers/until.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const programs = fileURLToPath(new URL('../fixtures/package/', import.meta.url));

/** An empty project into which the packed package is installed, with no way back to this repository. */
let project: string;
let packed: { files: { path: string }[] };

/** What npm tells the scripts that it runs would lead back here, but for where packages come from. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|NODE_V8_COVERAGE|NODE_OPTIONS|INIT_CWD)/.test(name) ||
      /^npm_config_(registry|cache|userconfig)$/.test(name),
  ),
);

const inProject = (command: string, ...args: string[]) => run(command, args, { cwd: project, env });

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'sockref-package-'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  // The build is what the other tests run: it must not be made anew under them.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
  });
  packed = JSON.parse(stdout)[0];
  const [tarball] = readdirSync(project).filter((name) => name.endsWith('.tgz'));
  await inProject('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`);
  cpSync(programs, project, { recursive: true });
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the package', () => {
  it('holds the library and its documents, and nothing else', () => {
    const files = packed.files.map(({ path }) => path);
    const unexpected = files.filter(
      (path) =>
        !/^(dist\/.*\.(js|js\.map|d\.ts)|dist\/cjs\/\w+\.cjs(\.map)?|dist\/types\/package\.json|dist\/bin\/(.*\.cjs|third-party-licenses\.txt)|docs\/.*|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
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
        'dist/bin/sockref.cjs',
        'LICENSE',
      ]),
    );
  });

  it('depends on nothing that this repository only has for its own use', () => {
    const installed = JSON.parse(readFileSync(join(project, 'node_modules/sockref/package.json'), 'utf8'));
    expect(Object.keys(installed.dependencies).sort()).toEqual(['fs-native-extensions', 'valibot']);
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

  it.each(['nodenext', 'bundler'])('works from a TypeScript program with moduleResolution %s', async (resolution) => {
    const types = join(project, 'node_modules/@types');
    rmSync(types, { recursive: true, force: true });
    mkdirSync(types);
    symlinkSync(join(root, 'node_modules/@types/node'), join(types, 'node'));
    // Since @types/node finds its own dependency from where it really is.
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const { stdout } = await inProject('node', tsc, '-p', `tsconfig.${resolution}.json`);
    expect(stdout).toBe('');
    expect((await inProject('node', `out-${resolution}/program.js`)).stdout).toBe(output);
  });

  it('lets nothing internal be reached', async () => {
    for (const specifier of [
      'sockref/dist/index.js',
      'sockref/dist/files/lock.js',
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
    const server = execFile('node', ['--eval', serve], { cwd: project, env: { ...env, SOCKREF_DIR: project } });
    try {
      const asked = { cwd: project, env: { ...env, SOCKREF_DIR: project } };
      const path = await until('it is served', () =>
        run(
          join(project, 'node_modules/.bin/sockref'),
          ['run', 'a.sock', '--', 'printenv', 'SOCKREF_PATH'],
          asked,
        ).then(
          ({ stdout }) => stdout,
          () => undefined,
        ),
      );
      expect(path).toBe(`${project}/a.sock\n`);
    } finally {
      server.kill();
    }
  });

  it('costs no native code until it is used', async () => {
    const program =
      "await import('sockref'); console.log(process.report.getReport().sharedObjects.filter((each) => each.includes('fs-native')).length)";
    expect((await inProject('node', '--input-type=module', '--eval', program)).stdout).toBe('0\n');
  });
});
