import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { root } from '../helpers/samples.js';

/** Each way in which the native package can be unusable, as a program that fails in the same way. */
const ways = [
  {
    how: 'is not installed',
    says: /are not installed; install "sockref" with its dependencies, and .* external to the bundle/,
  },
  {
    how: 'has no build for this system',
    program: "throw Object.assign(new Error('Cannot find addon'), { code: 'ADDON_NOT_FOUND' })",
    says: /have no build for \w+-\w+ with this C library; there are builds for Linux with glibc and for macOS/,
  },
  {
    how: 'is not allowed to be loaded',
    program:
      "throw Object.assign(new Error('no', { cause: { code: 'ERR_DLOPEN_DISABLED' } }), { code: 'CANNOT_LOAD' })",
    says: /may not be loaded under Node's permission model; pass --allow-addons and --allow-fs-read=\*/,
  },
  {
    how: 'is broken',
    program: "throw Object.assign(new Error('no', { cause: { code: 'ERR_DLOPEN_FAILED' } }), { code: 'CANNOT_LOAD' })",
    says: /cannot be loaded on \w+-\w+; see the cause of this error/,
  },
];

let project: string;

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'sockref-native-'));
  const installed = join(project, 'node_modules/sockref');
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

it.each(ways)('says what to do where the native part $how', ({ program, says }) =>
  withDirectory(async (directory) => {
    const native = join(project, 'node_modules/fs-native-extensions');
    rmSync(native, { recursive: true, force: true });
    if (program !== undefined) {
      mkdirSync(native);
      writeFileSync(join(native, 'index.js'), program);
    }
    const use = `import('sockref')
      .then(({ acquire }) => acquire(${JSON.stringify(join(directory, 'a.sock'))}, { serve() {} }))
      .then(() => console.log('acquired'), ({ code, message }) => console.log(code, message));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', use], { cwd: project });
    expect(stdout).toMatch(/^ERR_SOCKREF_UNSUPPORTED The native file locks \("fs-native-extensions"\) /);
    expect(stdout).toMatch(says);
  }),
);

/** Acquires, and prints which modules of the native package that took. */
const modulesOf = (directory: string): string => `import('sockref')
  .then(({ acquire }) => acquire(${JSON.stringify(join(directory, 'a.sock'))}, { serve() {} }))
  .then((reference) => reference.close())
  .then(() => Object.keys(require('node:module')._cache).filter((each) => each.includes('/node_modules/')))
  .then((files) => console.log(JSON.stringify(files.map((each) => each.split('/node_modules/').at(-1)))));`;

it('calls the addon of the known version directly', () =>
  withDirectory(async (directory) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', modulesOf(directory)], { cwd: root });
    const addon = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
    expect(JSON.parse(stdout)).toEqual(['fs-native-extensions/package.json', addon]);
  }));

it('leaves the addon of another version to the package', () =>
  withDirectory(async (directory) => {
    const original = join(root, 'node_modules/fs-native-extensions');
    const native = join(project, 'node_modules/fs-native-extensions');
    rmSync(native, { recursive: true, force: true });
    cpSync(join(original, 'prebuilds'), join(native, 'prebuilds'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(original, 'package.json'), 'utf8'));
    writeFileSync(join(native, 'package.json'), JSON.stringify({ ...manifest, version: '1.99.0' }));
    writeFileSync(join(native, 'index.js'), `module.exports = require(${JSON.stringify(original)});`);
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', modulesOf(directory)], { cwd: project });
    expect(JSON.parse(stdout)).toEqual(
      expect.arrayContaining(['fs-native-extensions/index.js', 'require-addon/lib/node.js']),
    );
  }));
