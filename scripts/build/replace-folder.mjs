import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Makes a folder the same as a fresh one, whose files are moved. A file that is the same already is left as it is; any other one
 * is replaced whole. New files come first and old ones go last, so that what names a file finds it.
 *
 * @param {string} folder
 * @param {string} fresh - on the same file system
 */
export function replaceFolder(folder, fresh) {
  const wanted = filesIn(fresh);
  const isNew = new Map(wanted.map((file) => [file, !existsSync(join(folder, file))]));
  for (const file of [...wanted.filter((each) => isNew.get(each)), ...wanted.filter((each) => !isNew.get(each))]) {
    const [from, to] = [join(fresh, file), join(folder, file)];
    if (!isNew.get(file) && readFileSync(from).equals(readFileSync(to))) continue;
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
  }
  const kept = new Set(wanted);
  for (const file of filesIn(folder)) if (!kept.has(file)) rmSync(join(folder, file));
  for (const each of foldersIn(folder)) {
    if (!existsSync(join(fresh, each))) rmSync(join(folder, each), { recursive: true, force: true });
  }
}

/** @param {string} folder */
function filesIn(folder) {
  return entriesIn(folder, (entry) => !entry.isDirectory());
}

/** @param {string} folder */
function foldersIn(folder) {
  return entriesIn(folder, (entry) => entry.isDirectory());
}

/**
 * @param {string} folder
 * @param {(entry: import('node:fs').Dirent) => boolean} isWanted
 * @param {string} [below]
 * @returns {string[]} paths from the folder
 */
function entriesIn(folder, isWanted, below = '') {
  if (!existsSync(join(folder, below))) return [];
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return [...(isWanted(entry) ? [path] : []), ...(entry.isDirectory() ? entriesIn(folder, isWanted, path) : [])];
  });
}
