// @ts-check
import { mkdirSync, rmSync } from 'node:fs';
import { startProgram } from '../lib/child.mjs';
import { measure } from '../lib/measure.mjs';
import { median } from '../lib/statistics.mjs';

/** @import { Contender, Context, Group, Role, Row } from '../lib/types.mjs' */
/** @typedef {import('../../labs/lib/process.mjs').Process} Process */
/** @typedef {{heap: number, rss: number}} Memory bytes for each thing */

/** What is held before it counts, so that what is loaded and compiled once is not counted. */
const warmup = 20;

/** @type {Row} */
export const memory = {
  id: 'memory',
  title: 'Memory',
  words:
    'What each thing costs the process that holds it: the heap of V8 and what belongs to it, after a collection. *Resident* is the' +
    ' resident memory, which includes buffers of Node and libuv, and varies with the allocator. Each figure comes from separate ' +
    "processes. The lines beside it are made of Node's own handles alone. There is no target here: the figures are only stated.",
  run: async (context) => {
    const references = context.choose(200_000, 20_000);
    const sockets = context.choose(1000, 100);
    const members = context.choose(500, 50);
    return [
      await compared(context, 'a reference', [
        ['ours', 'reference', holding('reference', references)],
        ['floor', 'counter with an entry in a `FinalizationRegistry`', holding('handle', references)],
      ]),
      await compared(context, 'a socket', [
        ['ours', 'served socket, in its owner', holding('socket', sockets)],
        ['floor', 'two `net.Server`s that listen, and an open file', holding('listeners', sockets)],
      ]),
      await compared(context, 'a member, in the owner', [
        ['ours', 'member', attached('member', members, 'owner')],
        ['floor', 'connection to a bare `net.Server`', attached('connection', members, 'owner')],
      ]),
      await compared(context, 'a member, in its own process', [
        ['ours', 'manager with one reference, as member', attached('member', members, 'member')],
        ['floor', '`net.connect`', attached('connection', members, 'member')],
      ]),
    ];
  },
};

/**
 * @param {Context} context
 * @param {string} name
 * @param {readonly (readonly [Role, string, (directory: string) => Promise<Memory>])[]} ways
 * @returns {Promise<Group>}
 */
function compared({ memory: directory, choose, progress }, name, ways) {
  progress(`memory of ${name}`);
  /** @type {Contender[]} */
  const contenders = ways.map(([role, what, measureOnce]) => {
    /** @type {number[]} */
    const resident = [];
    return {
      role,
      name: what,
      sample: async () => {
        const own = `${directory}/memory`;
        for (const each of [own, `${own}/warm`]) mkdirSync(each, { mode: 0o700 });
        const { heap, rss } = await measureOnce(own);
        rmSync(own, { recursive: true });
        resident.push(rss);
        return [heap];
      },
      extra: () => ({ resident: `${(median(resident) / 1024).toFixed(1)} KiB` }),
    };
  });
  return measure({ name, unit: 'bytes', rounds: choose(3, 1), contenders });
}

/** @param {string} kind @param {number} count */
function holding(kind, count) {
  return async (/** @type {string} */ directory) => {
    const hoarder = await startProgram('hoarder');
    await hoarder.ask('hoard', { directory: `${directory}/warm`, kind, count: warmup });
    const each = await hoarder.ask('hoard', { directory, kind, count });
    await hoarder.kill();
    return each;
  };
}

/** @param {string} kind @param {number} count @param {'owner' | 'member'} side */
function attached(kind, count, side) {
  return async (/** @type {string} */ directory) => {
    const owner = await startProgram('hoarder');
    await owner.ask('own', directory);
    const member = await startProgram('hoarder');
    await member.ask('hoard', { directory, kind, count: warmup });
    const before = await owner.ask('memory');
    const each = await member.ask('hoard', { directory, kind, count });
    const after = await owner.ask('memory');
    await Promise.all([member.kill(), owner.kill()]);
    if (side === 'member') return each;
    return { heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count };
  };
}
