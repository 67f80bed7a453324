// @ts-check
import { startProgram } from '../lib/child.mjs';
import { measure } from '../lib/measure.mjs';
import { ratio } from '../lib/targets.mjs';

/** @import { Process } from '../../labs/lib/process.mjs' */
/** @import { Contender, Group, Role, Row } from '../lib/types.mjs' */

/** The processes that the members are in. */
const processes = 4;

/** @type {Row} */
export const told = {
  id: 'told',
  title: 'A new count, until every member knows it',
  words:
    'The owner takes a reference or closes one, and N members in four processes are told how many there are. The floor is a bare server that writes one ' +
    'line to each of N connections at once. The times are until the last member has read it. The owner does not tell all of them in one turn of its ' +
    "event loop, so that clients and other sockets have their turns: *the owner's loop* is how long it was away from them (p99).",
  run: async ({ memory, choose, progress }) => {
    /** @type {Group[]} */
    const groups = [];
    for (const members of [40, 300, 3000].slice(0, choose(3, 2))) {
      progress(`${members} members are told`);
      groups.push(await group(members, memory, choose(30, 5)));
    }
    return groups;
  },
};

/**
 * @param {number} members
 * @param {string} memory
 * @param {number} rounds
 */
async function group(members, memory, rounds) {
  const [bare, ours] = await Promise.all(
    [`${memory}/bare.sock`, `${memory}/told.sock`].map(async (path) => {
      const crowd = await Promise.all(Array.from({ length: processes + 1 }, () => startProgram('told')));
      const [owner, ...holders] = /** @type {[Process, ...Process[]]} */ (crowd);
      return { path, owner, holders, crowd };
    }),
  );
  if (!bare || !ours) throw new Error('There are two crowds');
  await bare.owner.ask('listen', bare.path);
  await ours.owner.ask('own', ours.path);
  const count = members / processes;
  for (const { holders, command, path } of [
    { ...bare, command: 'connect' },
    { ...ours, command: 'join' },
  ])
    await Promise.all(holders.map((holder) => holder.ask(command, { path, count })));
  const measured = await measure({
    name: `${members.toLocaleString('en-US')} members`,
    unit: 'ms',
    rounds,
    contenders: [
      contender('floor', 'one line to each of as many connections', bare, 0),
      contender('ours', 'one reference more or less', ours, members),
    ],
    targets:
      members === 300 ? [ratio('told-300', 'floor', 5, { says: '300 members, of the floor', remark: true })] : [],
  });
  for (const { crowd } of [ours, bare]) {
    const [owner, ...holders] = crowd;
    await Promise.all(holders.map((holder) => holder.ask('end')));
    await owner?.ask('end');
    await Promise.all(crowd.map((each) => each.end()));
  }
  return measured;
}

/**
 * @param {Role} role
 * @param {string} name
 * @param {{ owner: Process, holders: readonly Process[] }} crowd
 * @param {number} base what is told beside the owner's one or two references
 * @returns {Contender}
 */
function contender(role, name, { owner, holders }, base) {
  let away = 0;
  return {
    role,
    name,
    sample: async (round) => {
      const number = base + 2 - (round % 2);
      const known = Promise.all(holders.map((holder) => holder.ask('known', number)));
      const began = performance.now();
      const changed = owner.ask('change', number);
      await known;
      const took = performance.now() - began;
      away = Math.max(away, await changed);
      return [took];
    },
    extra: () => ({ "the owner's loop": `${away.toFixed(1)} ms` }),
  };
}
