/** Another user tries to connect while sockets are made and removed with umask 0. See README.md. */

import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory } from '../lib/directory.mjs';
import { labOptions } from '../lib/options.mjs';
import { Process } from '../lib/process.mjs';
import { progress, report } from '../lib/report.mjs';

const { cycles, uid, json } = labOptions({ cycles: 3000, uid: 65_534 });

const recipes = ['sockref', 'listen, then chmod', 'sockref, mode 0666'];

/**
 * @typedef {object} Figures
 * @property {string} recipe
 * @property {number} attempts connections that were tried
 * @property {number} absent of these, nothing was there
 * @property {number} denied of these, it was there, and refused for want of permission
 * @property {number} connected of these, it was there, and let the other user in
 * @property {number} aroundDenied attempts on private directories and lock files that were refused
 * @property {number} around attempts on them that were not
 */

/** @type {Figures[]} */
const figures = [];
/** @type {string[]} */
const problems = [];
// Only root can become another user.
const supported = process.getuid?.() === 0;
if (supported) await inDirectory(run);

const [ours, , open] = figures;
if (supported) {
  if (!ours || ours.connected + ours.around > 0) problems.push('another user got in');
  if (!ours?.denied) problems.push('the other user never met the socket: nothing was shown');
  if (!open?.connected) problems.push('the other user did not even get into the open socket: nothing was shown');
}
const rows = figures.map((line) => ({
  recipe: line.recipe,
  cycles,
  'connections tried': line.attempts,
  'nothing there': line.absent,
  'permission denied': line.denied,
  CONNECTED: line.connected,
  'other files denied': line.aroundDenied,
  'OTHER FILES OPENED': line.around,
}));
const notes = supported
  ? ['The last row shows that the other user can connect where every user may.']
  : ['Not run: only root can become another user.'];
report(
  { lab: 'permission', ok: problems.length === 0, rows, problems, notes, figures: { supported, recipes: figures } },
  json,
);

/** @param {string} directory */
async function run(directory) {
  // Every user may enter the directory: only the mode of the socket protects it.
  chmodSync(directory, 0o755);
  const maker = await Process.start(new URL('maker.mjs', import.meta.url));
  const knocker = await Process.start(new URL('knocker.mjs', import.meta.url));
  if ((await knocker.ask('become', uid)) !== uid) throw new Error(`cannot become uid ${uid}`);
  for (const recipe of recipes) {
    progress(recipe);
    const path = join(directory, 's.sock');
    await knocker.ask('begin', path);
    await maker.ask('make', { recipe, path, cycles });
    figures.push(summary(recipe, await knocker.ask('end')));
  }
  progress('');
  const left = readdirSync(directory);
  if (left.length > 0) problems.push(`left behind: ${left.join(', ')}`);
  await Promise.all([maker.end(), knocker.end()]);
}

/**
 * @param {string} recipe
 * @param {Record<string, number>} came
 * @returns {Figures}
 */
function summary(recipe, came) {
  const entries = Object.entries(came);
  /** @param {(what: string) => boolean} wanted */
  const sum = (wanted) => entries.reduce((total, [what, count]) => total + (wanted(what) ? count : 0), 0);
  const isAround = (/** @type {string} */ what) => what.includes(' ');
  return {
    recipe,
    attempts: sum((what) => !isAround(what)),
    absent: came['ENOENT'] ?? 0,
    denied: came['EACCES'] ?? 0,
    connected: came['connected'] ?? 0,
    aroundDenied: sum((what) => isAround(what) && what.endsWith('EACCES')),
    around: sum((what) => isAround(what) && what.endsWith('opened')),
  };
}
