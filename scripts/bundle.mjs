/**
 * Bundles the command line, as compiled, with the libraries that it uses, into `dist/bin`. Finding and reading some eighty
 * modules one by one would take most of the time that `sockref run` adds to a command; and who uses the library alone
 * need not install what the command line is made of. Chunks lie one folder below `dist`, as the modules that they come
 * from, so that what these find by their own place is found from here too.
 */

import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'dist/bin');

const bundle = await rolldown({
  input: { sockref: join(root, 'dist/cli/main.js') },
  platform: 'node',
  // It has native code, and is loaded at need.
  external: ['fs-native-extensions'],
});
const { output } = await bundle.write({
  dir: target,
  // Node starts faster with it than with ES modules, by some 9 ms.
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
});
await bundle.close();
await chmod(join(target, 'sockref.cjs'), 0o755);

// The licences of what is inside ask to be passed on with it.
const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
const packages = new Set(modules.map((id) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? ''));
const licences = await Promise.all([...packages].filter(Boolean).sort().map(licenceOf));
await writeFile(join(target, 'third-party-licenses.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));

/** @param {string} folder */
async function licenceOf(folder) {
  const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file, and cannot be bundled`);
  return `${name} ${version}\n\n${await readFile(join(folder, file), 'utf8')}`;
}
