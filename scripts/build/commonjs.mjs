/**
 * Adds to a build what serves programs that cannot load ES modules: the library in CommonJS, in `cjs`, and the entries of the
 * declarations. Those lie in `types` once, as declarations of CommonJS, which modules of both kinds may import: a value that goes
 * from one kind to the other has the same type in both.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const entries = ['index', 'glide'];

/** @param {string} folder - with what the compiler made */
export async function buildCommonJs(folder) {
  const bundled = await rolldown({
    input: entries.map((name) => join(folder, `${name}.js`)),
    cwd: folder,
    platform: 'node',
    external: ['valibot'],
    plugins: [{ name: 'compiled-with-map', load: { filter: { id: /\.js$/ }, handler: withMap } }],
  });
  await bundled.write({
    dir: join(folder, 'cjs'),
    format: 'cjs',
    sourcemap: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
  });
  await bundled.close();
  await writeFile(join(folder, 'types/package.json'), '{ "type": "commonjs" }\n');
  for (const name of entries) await writeFile(join(folder, `${name}.d.ts`), `export * from './types/${name}.js';\n`);
}

/** A compiled module with its map, so that the bundle's map leads to the source. @param {string} file */
async function withMap(file) {
  const [code, map] = await Promise.all([readFile(file, 'utf8'), readFile(`${file}.map`, 'utf8')]);
  return { code, map };
}
