/**
 * Bundles the programs of the keeper, as compiled: the keeper, and the thread that holds a socket for it. Each is one file, which
 * needs no other. They are CommonJS, which Node starts in half of the time.
 */

import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { compiledMaps } from './compiled-maps.mjs';

/** @param {string} folder - with what the compiler made; the bundles go to its `keeper` @returns the modules that were bundled */
export async function bundleKeeper(folder) {
  const moduleIds = [];
  for (const name of ['main', 'activation-worker']) {
    const bundled = await rolldown({
      input: join(folder, 'modules/keeper', `${name}.js`),
      cwd: folder,
      platform: 'node',
      plugins: [compiledMaps],
    });
    const { output } = await bundled.write({
      dir: join(folder, 'keeper'),
      format: 'cjs',
      codeSplitting: false,
      sourcemap: true,
      entryFileNames: '[name].cjs',
    });
    await bundled.close();
    moduleIds.push(...output[0].moduleIds);
  }
  return moduleIds;
}
