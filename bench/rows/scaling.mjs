// @ts-check
import { mkdirSync, rmSync } from 'node:fs';
import { SocketManager } from 'sockref';
import { startProgram } from '../lib/child.mjs';
import { Handle } from '../lib/handle.mjs';
import { measure, timed } from '../lib/measure.mjs';
import { hangUp } from '../lib/net.mjs';
import { median } from '../lib/statistics.mjs';
import { judged } from '../lib/targets.mjs';

/** @import { Contender, Context, Group, Row } from '../lib/types.mjs' */
/** @import { Wanted } from '../lib/targets.mjs' */

/** How many times the cost in the first decade the cost in the last one may be before it counts as a defect; see `defects`. */
const flat = 1.3;
const batch = 1000;

/** @type {Row} */
export const scaling = {
  id: 'scaling',
  title: 'Scaling',
  words:
    'What one operation costs beside N others. The remark below each table is the median cost in the last decade of N by that' +
    ' in the first. With sockets, another socket is started and stopped, or one is looked up. With members, another member joins ' +
    'and leaves. With references, another reference is taken and closed. The sizes take turns within each round. The members are ' +
    'in four processes.',
  run: async (context) => [await bySockets(context), await byMembers(context), await byReferences(context)],
};

/** @param {Context} context @returns {Promise<Group>} */
async function bySockets({ memory, choose, progress }) {
  const sizes = [1, 10, 100, 1000, 5000].slice(0, choose(5, 3));
  const crowds = await Promise.all(
    sizes.map(async (size) => {
      const directory = `${memory}/${size}`;
      mkdirSync(directory, { mode: 0o700 });
      const crowd = await startProgram('crowd');
      progress(`${size} sockets in one process`);
      await crowd.ask('serve', { directory, count: size });
      return { size, directory, crowd };
    }),
  );
  /** @type {(command: string, series: string, role?: 'ours' | 'beside') => Contender[]} */
  const contenders = (command, series, role = 'ours') =>
    crowds.map(({ size, directory, crowd }) => ({
      role,
      name: `${count(size, 'socket')}: ${series}`,
      x: size,
      series: series.replaceAll('`', ''),
      sample: (round) => crowd.ask(command, { directory, first: round === 0 }),
    }));
  const start = 'first `acquire` + last `close` of another';
  const lookUp = '`getExisting` + `close` of one';
  const lookUpAll = '`getExisting` + `close`, all in turn';
  const group = await measure({
    name: 'sockets in one process',
    unit: 'µs',
    rounds: choose(12, 3),
    contenders: [
      ...contenders('cycle', start),
      ...contenders('lookUp', lookUp),
      ...contenders('lookUpAll', lookUpAll),
      ...contenders('floorOfAll', 'the floor, all in turn', 'beside'),
    ],
    targets: [
      flatness('sockets-start', `sockets, ${start.replaceAll('`', '')}`, start, sizes),
      flatness('sockets-look-up', `sockets, ${lookUp.replaceAll('`', '')}`, lookUp, sizes),
      flatness('sockets-look-up-all', `sockets, ${lookUpAll.replaceAll('`', '')}`, lookUpAll, sizes),
    ],
    plot: { file: 'scaling-sockets.svg', title: 'Cost of an operation beside N sockets', x: 'sockets in the process' },
  });
  for (const { directory, crowd } of crowds) {
    await crowd.ask('end');
    await crowd.end();
    rmSync(directory, { recursive: true });
  }
  return group;
}

/** @param {Context} context @returns {Promise<Group>} */
async function byMembers({ memory, choose, progress }) {
  const sizes = [1, 10, 100, 1000, 5000].slice(0, choose(5, 3));
  const holders = await Promise.all(Array.from({ length: 4 }, () => startProgram('crowd')));
  const joiner = await startProgram('crowd');
  const ends = [...holders, joiner];
  const sockets = [];
  for (const size of sizes) {
    progress(`${size} members of one socket`);
    const path = `${memory}/members-${size}.sock`;
    const owner = await startProgram('crowd');
    await owner.ask('own', path);
    const using = holders.slice(0, Math.min(size, holders.length));
    await Promise.all(
      using.map((holder, index) => holder.ask('join', { path, count: share(size, using.length, index) })),
    );
    sockets.push({ size, path });
    ends.push(owner);
  }
  const what = 'join + leave of another';
  const group = await measure({
    name: 'members of one socket',
    unit: 'µs',
    rounds: choose(12, 3),
    contenders: sockets.map(({ size, path }) => ({
      role: 'ours',
      name: count(size, 'member'),
      x: size,
      series: what,
      sample: (round) => joiner.ask('joinAndLeave', { path, first: round === 0 }),
    })),
    targets: [flatness('members', `members, ${what}`, '', sizes)],
    plot: { file: 'scaling-members.svg', title: 'Cost of an operation beside N members', x: 'members of the socket' },
  });
  for (const each of ends) await each.ask('end');
  for (const each of ends) await each.end();
  return group;
}

/** @param {Context} context @returns {Promise<Group>} */
async function byReferences({ memory, choose, progress }) {
  const sizes = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000].slice(0, choose(7, 5));
  const manager = new SocketManager({ limits: { maxReferencesPerSocket: 2_000_000 } });
  const reference = await manager.acquire(`${memory}/references.sock`, { serve: hangUp });
  const entry = { count: 0 };
  /** @type {import('sockref').SocketReference[]} */
  const references = [];
  /** @type {Handle[]} */
  const handles = [];
  const name = '`clone` + `close`';
  /** @type {(size: number) => Contender[]} */
  const contenders = (size) => [
    {
      role: 'ours',
      name: `${count(size, 'reference')}: ${name}`,
      x: size,
      series: name.replaceAll('`', ''),
      sample: async (round) => {
        progress(`${size} references`);
        fill(references, size, () => reference.clone());
        return timed(() => repeat(() => void reference.clone().close()), batch, round === 0);
      },
    },
    {
      role: 'beside',
      name: `${count(size, 'handle')}: the floor`,
      x: size,
      series: 'floor',
      sample: async (round) => {
        fill(handles, size, () => new Handle(entry));
        return timed(() => repeat(() => new Handle(entry).close()), batch, round === 0);
      },
    },
  ];
  const group = await measure({
    name: 'references to one socket',
    unit: 'µs',
    rounds: choose(6, 3),
    contenders: sizes.flatMap(contenders),
    targets: [flatness('references', `references, ${name.replaceAll('`', '')}`, name, sizes)],
    plot: {
      file: 'scaling-references.svg',
      title: 'Cost of an operation beside N references',
      x: 'references to the socket',
    },
  });
  await manager.close();
  return group;
}

/**
 * Takes or closes until there are so many.
 *
 * @template {{close(): unknown}} Thing
 * @param {Thing[]} things
 * @param {number} size
 * @param {() => Thing} make
 */
function fill(things, size, make) {
  while (things.length < size) things.push(make());
  while (things.length > size) void things.pop()?.close();
}

/**
 * The cost in the last decade by that in the first.
 *
 * @param {string} id
 * @param {string} what
 * @param {string} part of the names of those that count
 * @param {readonly number[]} sizes
 * @returns {Wanted}
 */
function flatness(id, what, part, sizes) {
  return (figures) => {
    const ours = figures.filter(({ role, name }) => role === 'ours' && name.includes(part));
    const largest = Math.max(...sizes);
    const lastByFirst = (/** @type {'median' | 'best'} */ of) => {
      const middle = (/** @type {(x: number) => boolean} */ within) =>
        median(ours.filter(({ x = 0 }) => within(x)).map((figure) => figure[of]));
      return middle((x) => x >= largest / 10) / middle((x) => x <= 10);
    };
    return judged({
      id: `flat-${id}`,
      says: `${what}: the last decade by the first`,
      remark: true,
      value: lastByFirst('median'),
      best: lastByFirst('best'),
      limit: flat,
      must: 'at most',
      kind: 'ratio',
    });
  };
}

/** @param {() => void} call */
function repeat(call) {
  for (let i = 0; i < batch; i++) call();
}

/** @param {number} size @param {number} parts @param {number} index */
function share(size, parts, index) {
  return Math.floor(size / parts) + (index < size % parts ? 1 : 0);
}

/** @param {number} size @param {string} thing */
function count(size, thing) {
  return `${size.toLocaleString('en-US')} ${thing}${size === 1 ? '' : 's'}`;
}
