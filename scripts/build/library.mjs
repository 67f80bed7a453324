/**
 * Bundles the library, as compiled: its entries, and one file that they share, once in ES modules and once in CommonJS. To find and
 * read some two hundred modules would take most of the time of an import. CommonJS is for tools that cannot load ES modules. The
 * declarations lie in `types` once, as declarations of CommonJS, which modules of both kinds may import: a value that goes from one
 * kind to the other has the same type in both.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { compiledMaps } from './compiled-maps.mjs';

const entries = ['index', 'glide'];

/** Where the files of each format go, and how their names end. */
const formats = /** @type {const} */ ([
  { format: 'es', place: '.', end: 'js' },
  { format: 'cjs', place: 'cjs', end: 'cjs' },
]);

/** @param {string} folder - with what the compiler made @returns the modules that were bundled */
export async function bundleLibrary(folder) {
  const bundled = await rolldown({
    input: entries.map((name) => join(folder, 'modules', `${name}.js`)),
    cwd: folder,
    platform: 'node',
    plugins: [compiledMaps],
  });
  const moduleIds = [];
  for (const { format, place, end } of formats) {
    const { output } = await bundled.write({
      dir: join(folder, place),
      format,
      sourcemap: true,
      entryFileNames: `[name].${end}`,
      // The bundler's own chunk becomes part of the other one, and must not take its name before.
      chunkFileNames: ({ name }) => `${name === 'rolldown-runtime' ? name : 'library'}.${end}`,
    });
    moduleIds.push(...output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : [])));
  }
  await bundled.close();
  await writeFile(join(folder, 'types/package.json'), '{ "type": "commonjs" }\n');
  for (const name of entries) await writeFile(join(folder, `${name}.d.ts`), `export * from './types/${name}.js';\n`);
  return moduleIds;
}
