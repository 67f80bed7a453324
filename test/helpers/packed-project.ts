import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const programs = fileURLToPath(new URL('../fixtures/package/', import.meta.url));

/** The environment without npm's variables, which would lead back here, except the registry. */
export const cleanEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_|NODE_V8_COVERAGE|NODE_OPTIONS|INIT_CWD)/.test(name) ||
      /^npm_config_(registry|cache|userconfig)$/.test(name),
  ),
);

/** A watchdog for tests that compile, bundle and pack, in milliseconds: on a busy machine one of these takes a minute. */
export const slowTestMs = 240_000;

/** A program that hangs is ended before the test, so that the error has its output. */
const timeout = slowTestMs - 10_000;

/** A project into which the packed package is installed, with no way back to this repository. */
export interface PackedProject {
  readonly folder: string;
  /** The paths of the files in the package. */
  readonly files: readonly string[];
  /** Runs a program in it. */
  run(command: string, ...args: string[]): Promise<{ stdout: string; stderr: string }>;
  remove(): void;
}

/** Packs and installs, once for all tests that only use it. */
export async function packedProject(): Promise<PackedProject> {
  const folder = mkdtempSync(join(tmpdir(), 'sockref-package-'));
  const run = (command: string, ...args: string[]) =>
    promisify(execFile)(command, args, { cwd: folder, env: cleanEnv, timeout });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // The build is what the other tests run.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await promisify(execFile)('npm', pack, { cwd: root });
  const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`);
  cpSync(programs, folder, { recursive: true });
  // A link, because the types of Node find their dependency from their real place.
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  return {
    folder,
    files: packed?.files.map(({ path }) => path) ?? [],
    run,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
