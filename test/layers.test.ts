import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withDirectory } from './helpers/directory.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The layers, lowest first. `keeper` and `cli` stand side by side on top. */
const layers = [
  'protocol',
  'errors',
  'processes',
  'files',
  'control',
  'serving',
  'ownership',
  'endpoint',
  'api',
  'cli',
];

/** Which files the linter refuses for what they import. */
function refused(directory: string): Promise<string[]> {
  const linter = join(root, 'node_modules/.bin/biome');
  const args = [
    'lint',
    '--only=style/noRestrictedImports',
    '--vcs-enabled=false',
    '--reporter=json',
    '--max-diagnostics=none',
    '.',
  ];
  return new Promise((resolve, reject) => {
    execFile(linter, args, { cwd: directory }, (_, stdout, stderr) => {
      try {
        const { diagnostics } = JSON.parse(stdout) as {
          diagnostics: { category: string; location: { path: unknown } }[];
        };
        resolve(
          diagnostics.map(({ location }) => JSON.stringify(location.path).replace(/^.*?(src\/[\w/-]+\.ts).*$/, '$1')),
        );
      } catch {
        reject(new Error(`${stdout}${stderr}`));
      }
    });
  });
}

it('an import from a higher layer is refused, and one from a lower layer is not', () =>
  withDirectory(async (directory) => {
    copyFileSync(join(root, 'biome.json'), join(directory, 'biome.json'));
    const up: string[] = [];
    const write = (from: string, to: string) => {
      const file = `src/${from}/uses-${to}.ts`;
      mkdirSync(join(directory, 'src', from), { recursive: true });
      writeFileSync(join(directory, file), `import { x } from '../${to}/x.js';\nexport const y = x;\n`);
      return file;
    };
    for (const [at, from] of layers.entries()) {
      for (const [place, to] of layers.entries()) {
        if (place === at) continue;
        const file = write(from, to);
        if (place > at) up.push(file);
      }
    }
    write('keeper', 'ownership');
    for (const to of ['endpoint', 'api', 'cli']) up.push(write('keeper', to));
    expect((await refused(directory)).sort()).toEqual(up.sort());
    rmSync(join(directory, 'src'), { recursive: true });
    rmSync(join(directory, 'biome.json'));
  }));
