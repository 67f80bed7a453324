import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Writes the licences of the packages that the bundles contain, which must be distributed with them.
 *
 * @param {string} folder - where the file goes
 * @param {readonly string[]} modules - the paths of all that was bundled
 */
export async function writeLicences(folder, modules) {
  const packages = new Set(modules.map((id) => /.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? ''));
  const licences = await Promise.all([...packages].filter(Boolean).sort().map(licenceOf));
  await writeFile(join(folder, 'third-party-licenses.txt'), licences.join(`\n${'-'.repeat(80)}\n\n`));
}

/** @param {string} folder */
async function licenceOf(folder) {
  const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file, and cannot be bundled`);
  return `${name} ${version}\n\n${await readFile(join(folder, file), 'utf8')}`;
}
