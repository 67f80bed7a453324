import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Kept between runs, also after `npm ci`: each has some 100 MB, too much for each `node_modules`. */
const kept = fileURLToPath(new URL('../../.runtimes/', import.meta.url));

const { platform, arch } = process;

/** Runtimes as packages of npm, and the paths of their programs in them. */
const runtimes = {
  bun: { version: '1.4.5', name: 'bun', folder: '@oven', program: 'bin/bun' },
  deno: { version: '2.9.6', name: 'deno', folder: '@deno', program: 'deno' },
  'node-18': { version: '18.20.8', name: `node-${platform}-${arch}`, folder: '', program: 'bin/node' },
} as const;

/** The program of a runtime. Its first use fetches it from the registry. */
export async function runtime(id: keyof typeof runtimes): Promise<string> {
  const { version, name, folder, program } = runtimes[id];
  const place = join(kept, `${id}-${version}`);
  if (!existsSync(place)) {
    mkdirSync(kept, { recursive: true });
    const fresh = mkdtempSync(`${place}.`);
    await promisify(execFile)(
      'npm',
      [
        'install',
        '--prefix',
        fresh,
        '--ignore-scripts',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        `${name}@${version}`,
      ],
      { cwd: dirname(kept) },
    );
    try {
      renameSync(fresh, place);
    } catch {
      // Another test was faster: its copy is the same.
      rmSync(fresh, { recursive: true });
    }
  }
  const modules = join(place, 'node_modules', folder);
  const found = readdirSync(modules)
    .map((each) => join(modules, each, program))
    .find((each) => existsSync(each));
  if (found === undefined) throw new Error(`${name}@${version} has no program for ${platform}-${arch}`);
  return found;
}
