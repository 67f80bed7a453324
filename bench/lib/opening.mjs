// @ts-check
import { quantity } from './table.mjs';

/** @import { Bar, Bars, Figure, Group, RowResult } from './types.mjs' */

/**
 * What the page says first: what a user gains and pays, a sentence and a picture each.
 *
 * @typedef {object} Point
 * @property {string} row
 * @property {(row: RowResult) => string} says
 * @property {string} file of the picture, in docs/plots
 * @property {string} title of the picture
 * @property {((row: RowResult) => { unit: string, bars: readonly Bar[] })} [draws] not if a table draws the picture
 */

/** @type {Record<'gains' | 'pays', readonly Point[]>} */
const points = {
  gains: [
    {
      row: 'start-race',
      file: 'start-race.svg',
      title: 'Many processes that start at once',
      says: (row) =>
        `**One server, however many start at once.** Of 32 processes that start at the same moment one serves, and the last one is connected after ${time(row, '', '32 processes, `acquire`')}. With a lock file of proper-lockfile that takes ${time(row, '', '32 processes, proper-lockfile')}.`,
    },
    {
      row: 'failover',
      file: 'opening-failover.svg',
      title: 'From the kill of the owner to the first answer of the next one',
      says: (row) =>
        `**A crash is a short pause.** When the owner is killed, the next one answers a client of ten members after ${time(row, '10 members', 'first answer')}, and no reference is lost.`,
      draws: ({ groups }) => ({
        unit: 'ms',
        bars: groups.map((group) => ({ ...bar(figureOf(group, 'first answer')), name: group.name })),
      }),
    },
    {
      row: 'active',
      file: 'opening-active.svg',
      title: 'One more reference in a process that has one',
      says: (row) =>
        `**One more reference costs nothing that is felt.** In a process that has one, the next takes ${time(row, 'at once', '`clone` + `close`')}.`,
      draws: (row) => drawn(row, 'at once'),
    },
    {
      row: 'throughput',
      file: 'opening-requests.svg',
      title: 'Requests through a connection',
      says: (row) =>
        `**The connection is the server's own.** Nothing stands between client and server: ${times(row, 'bytes', '`reference.connect()`')} times the bytes and ${times(row, 'requests', '`reference.connect()`')} times the requests of a plain connection.`,
      draws: (row) => drawn(row, 'requests'),
    },
  ],
  pays: [
    {
      row: 'fresh',
      file: 'opening-fresh.svg',
      title: 'A whole program that joins a running server',
      says: (row) =>
        `**A program starts a little later.** One that joins a running server and ends takes ${time(row, 'whole programs', 'joins, as an ES module')}, and a Node that does nothing takes ${time(row, 'whole programs', '`node -e 0`')}.`,
      draws: (row) => drawn(row, 'whole programs'),
    },
    {
      row: 'first-last',
      file: 'opening-first-last.svg',
      title: 'The first reference and the last, in memory',
      says: (row) =>
        `**The first reference and the last do more than \`listen\` and \`close\`.** A lock, a record, a control socket and a private directory take ${time(row, 'in memory', 'first `acquire` + last `close`')} in memory and ${time(row, 'on disk', 'first `acquire` + last `close`')} on a disk.`,
      draws: (row) => drawn(row, 'in memory'),
    },
    {
      row: 'cli',
      file: 'opening-cli.svg',
      title: '`sockref run` with a server that runs already',
      says: (row) =>
        `**A command waits for Node.** \`sockref run\` in front of a command takes ${time(row, '', '`sockref run NAME -- true`')}, of which Node alone takes ${time(row, '', '`node -e 0`')}.`,
      draws: (row) => drawn(row, ''),
    },
    {
      row: 'memory',
      file: 'opening-memory.svg',
      title: 'Memory of a served socket',
      says: (row) =>
        `**Each socket and each member has some memory.** A served socket takes ${time(row, 'a socket', 'served socket, in its owner')} in its owner, and each member ${time(row, 'a member, in the owner', 'member')} more.`,
      draws: (row) => drawn(row, 'a socket'),
    },
  ],
};

/**
 * The pictures that no table draws.
 *
 * @param {readonly RowResult[]} rows
 * @returns {Bars[]}
 */
export function pictures(rows) {
  return [...points.gains, ...points.pays].flatMap(({ row, file, title, draws }) =>
    draws ? [{ file, title, ...draws(rowOf(rows, row)) }] : [],
  );
}

/** @param {readonly RowResult[]} rows */
export function opening(rows) {
  const part = (/** @type {readonly Point[]} */ of) =>
    of.map(({ row, says, file, title }) => `${says(rowOf(rows, row))}\n\n![${title}](plots/${file})`).join('\n\n');
  return `## What you gain\n\n${part(points.gains)}\n\n## What you pay\n\n${part(points.pays)}`;
}

/** @param {readonly RowResult[]} rows @param {string} id */
function rowOf(rows, id) {
  const found = rows.find((row) => row.id === id);
  if (!found) throw new Error(`the row ${id} was not measured`);
  return found;
}

/** @param {RowResult} row @param {string} name */
function groupOf(row, name) {
  const found = row.groups.find((group) => group.name === name);
  if (!found) throw new Error(`${row.id} has no group "${name}"`);
  return found;
}

/** @param {Group} group @param {string} name */
function figureOf({ figures }, name) {
  const found = figures.find((figure) => figure.name === name);
  if (!found) throw new Error(`there is no figure "${name}"`);
  return found;
}

/** @param {RowResult} row @param {string} group @param {string} name */
function time(row, group, name) {
  const within = groupOf(row, group);
  return quantity(figureOf(within, name).median, within.unit);
}

/** @param {RowResult} row @param {string} group @param {string} name */
function times(row, group, name) {
  return figureOf(groupOf(row, group), name).ofFloor?.toFixed(2);
}

/** @param {RowResult} row @param {string} name */
function drawn(row, name) {
  const { unit, figures } = groupOf(row, name);
  return { unit, bars: figures.map(bar) };
}

/** @param {Figure} figure @returns {Bar} */
function bar({ name, median, role }) {
  return { name: name.replaceAll('`', ''), value: median, ours: role === 'ours' };
}
