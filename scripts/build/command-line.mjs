/**
 * Bundles the command line, as compiled, with the libraries that it uses, into one file of `dist/bin`. Finding and
 * reading some eighty modules would take most of the time that `sockref run` adds to a command, and a user of the
 * library alone need not install the command line's dependencies.
 */

import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** @param {string} folder - with what the compiler made; the bundle goes to its `bin` @returns the modules that were bundled */
export async function bundleCommandLine(folder) {
  const target = join(folder, 'bin');
  const program = await bundle(join(folder, 'modules/cli/main.js'), target, {
    plugins: [
      { name: 'late-promises', transform: { filter: { id: /\/lilconfig\// }, handler: withoutPromisesOfFiles } },
    ],
    // It has native code, and is loaded when it is needed.
    external: ['fs-native-extensions'],
    name: 'program-[hash].cjs',
  });
  const file = join(target, program.fileName);
  // ASCII is read without decoding, and takes half of the memory.
  await writeFile(file, (await readFile(file, 'utf8')).replace(/[^\0-\x7f]/g, escaped), 'latin1');
  await bundle(join(folder, 'modules/cli/start.js'), target, {
    transform: { define: { PROGRAM: JSON.stringify(program.fileName) } },
    name: 'sockref.cjs',
  });
  await chmod(join(target, 'sockref.cjs'), 0o755);
  return program.moduleIds;
}

/**
 * Writes an entry of the command line, with all that it loads, into one file.
 *
 * @param {string} entry
 * @param {string} target
 * @param {import('rolldown').InputOptions & { name: string }} options
 */
async function bundle(entry, target, { name, ...input }) {
  const bundled = await rolldown({ input: entry, platform: 'node', ...input });
  const { output } = await bundled.write({
    dir: target,
    // Node starts faster with it than with ES modules, by some 9 ms.
    format: 'cjs',
    codeSplitting: false,
    // Smaller, but with the names that SOCKREF_DEBUG shows.
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    entryFileNames: name,
  });
  await bundled.close();
  return output[0];
}

/** @param {string} unit - of UTF-16; it stands in a text or in a pattern, where the escape means the same */
function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Node loads these at the first access, which takes 2 ms, and a synchronous search never uses them.
 *
 * @param {string} code
 */
function withoutPromisesOfFiles(code) {
  const eager = 'const fsReadFileAsync = fs.promises.readFile;';
  if (!code.includes(eager)) throw new Error(`lilconfig is not as it was: ${eager} is missing`);
  return code.replace(eager, 'const fsReadFileAsync = (...args) => fs.promises.readFile(...args);');
}
