// @ts-check
import { mkdirSync, rmSync } from 'node:fs';
import { startAll } from '../../labs/lib/process.mjs';
import { measure } from '../lib/measure.mjs';
import { judged, ratio } from '../lib/targets.mjs';

/** @import { Contender, Group, Role, Row } from '../lib/types.mjs' */
/** @typedef {import('../../labs/lib/process.mjs').Process} Process */

const program = new URL('../../labs/start-race/racer.mjs', import.meta.url);

const recipes = /** @type {const} */ ([
  { role: 'ours', recipe: 'sockref', name: '`acquire`' },
  { role: 'peer', recipe: 'proper-lockfile', name: 'proper-lockfile' },
  { role: 'beside', recipe: 'naive', name: 'naive recipe' },
]);

/** @type {Row} */
export const startRace = {
  id: 'start-race',
  title: 'Many processes start at once',
  words:
    'N processes, which already run, all need the same server in an empty directory at the same moment. The time is from the start' +
    ' signal until the last process has an answer from a server. *Other than one server* counts the rounds in which the number of ' +
    'processes that served at the end was not one, or a process was connected to another server. The naive recipe is: connect; if ' +
    'refused: unlink, bind, listen; if the address is in use: start over. The peer does the same within a lock of proper-lockfile.' +
    ' There are more processes than cores, so the processes spend most of the time waiting for a core.',
  run: async ({ memory, choose, progress }) => {
    const sizes = choose(64, 8);
    /** @type {Group[]} */
    const groups = [];
    const racers = await startAll(sizes, program);
    const names = await Promise.all(racers.map((one) => one.ask('who')));
    for (let size = 2; size <= sizes; size *= 2) {
      progress(`${size} processes at once`);
      groups.push(await race(racers.slice(0, size), names.slice(0, size), `${memory}/race`, choose(20, 4)));
    }
    await Promise.all(racers.map((one) => one.end()));
    return [together(groups, sizes)];
  },
};

/**
 * @param {readonly Process[]} racers
 * @param {readonly string[]} names
 * @param {string} directory
 * @param {number} rounds
 */
function race(racers, names, directory, rounds) {
  /** @type {(role: Role, recipe: string, name: string) => Contender} */
  const contender = (role, recipe, name) => {
    let odd = 0;
    return {
      role,
      name: `${racers.length} processes, ${name}`,
      x: racers.length,
      series: name.replaceAll('`', ''),
      sample: async () => {
        mkdirSync(directory, { mode: 0o700 });
        const { ms, one } = await once(racers, names, recipe, `${directory}/s.sock`);
        rmSync(directory, { recursive: true });
        if (!one) odd++;
        return [ms];
      },
      extra: () => ({ 'other than one server': `${odd} of ${rounds}` }),
    };
  };
  return measure({
    unit: 'ms',
    rounds,
    contenders: recipes.map(({ role, recipe, name }) => contender(role, recipe, name)),
    targets: [
      ratio(`race-${racers.length}-peer`, 'peer', 1, {
        says: `${racers.length} processes: below proper-lockfile`,
        must: 'below',
      }),
    ],
  });
}

/**
 * @param {readonly Process[]} racers
 * @param {readonly string[]} names
 * @param {string} recipe
 * @param {string} path
 */
async function once(racers, names, recipe, path) {
  const began = performance.now();
  const outcomes = await Promise.all(
    racers.map((one) => one.ask('go', { recipe, path }).catch(() => ({ serves: false, connectedTo: undefined }))),
  );
  const ms = performance.now() - began;
  const servers = names.filter((_, index) => outcomes[index].serves);
  const one = servers.length === 1 && outcomes.every(({ connectedTo }) => connectedTo === servers[0]);
  await Promise.all(racers.map((each) => each.ask('end')));
  return { ms, one };
}

/**
 * One table of those of all sizes.
 *
 * @param {readonly Group[]} groups
 * @param {number} largest
 * @returns {Group}
 */
function together(groups, largest) {
  const figures = groups.flatMap((group) => group.figures);
  const ours = figures.filter(({ role }) => role === 'ours');
  const odd = ours.reduce((sum, { extra }) => sum + Number.parseInt(extra?.['other than one server'] ?? 'NaN', 10), 0);
  return {
    name: '',
    unit: 'ms',
    figures,
    targets: [
      judged({
        id: 'race-one-server',
        says: `one server always, with 2 to ${largest} processes: rounds with another number`,
        value: odd,
        limit: 0,
        must: 'at most',
        kind: 'count',
      }),
      ...groups.flatMap(({ targets }) => targets),
    ],
    plot: {
      file: 'start-race.svg',
      title: 'Time until all of N processes are connected',
      x: 'processes that start at once',
    },
  };
}
