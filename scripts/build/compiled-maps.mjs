import { readFile } from 'node:fs/promises';

/** Loads each compiled module with its map, so that the map of a bundle leads to the source. @type {import('rolldown').Plugin} */
export const compiledMaps = {
  name: 'compiled-maps',
  load: {
    filter: { id: /\.m?js$/ },
    async handler(file) {
      const code = await readFile(file, 'utf8');
      // The sources of a library would make the package larger, and count as ours in the coverage.
      if (file.includes('/node_modules/')) return { code, map: { mappings: '' } };
      return { code, map: await readFile(`${file}.map`, 'utf8') };
    },
  },
};
