/** Members that use only the protocol, and see what an owner tells each of them. This file does not use the library. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { within } from '../lib/until.mjs';

/** So many members that an owner cannot tell all of them by accident before the watchdog ends: it tells twenty at a time. */
const crowd = 200;

/**
 * Joins so many members, one of which changes its count. Returns what some of them were not told. The owner gets no other
 * message meanwhile, so only its own timers make it tell them.
 *
 * @param {string} path
 * @param {number} pid of a process that lives, for listings
 * @param {number} watchdogMs
 * @returns {Promise<string | undefined>} what is wrong
 */
export async function countsThatAreNotTold(path, pid, watchdogMs) {
  const members = await Promise.all(Array.from({ length: crowd }, () => join(path, pid)));
  // The listing has one reference for each of them. Together with the others that is the total that all must know.
  const total = Math.max(...members.map(({ said }) => said.total));
  const first = await within(Promise.all(members.map((member) => member.hear(total))), watchdogMs);
  members[0]?.say({ type: 'references', n: 3 });
  const second =
    first === 'late' ? first : await within(Promise.all(members.map((each) => each.hear(total + 2))), watchdogMs);
  const wrong = members.map(({ said }) => said.total).filter((said) => said !== total + 2);
  for (const { socket } of members) socket.destroy();
  await Promise.all(members.map(({ closed }) => closed));
  if (second !== 'late' && wrong.length === 0) return undefined;
  return `of ${crowd} members that joined while all was quiet, ${wrong.length} do not know the count ${total + 2}: ${wrong}`;
}

/**
 * @param {string} path
 * @param {number} pid
 */
async function join(path, pid) {
  const socket = connect({ path: `${path}.ctl` });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect'), closed]);
  /** The last total that it was told. */
  const said = { total: 0 };
  /** @type {(() => void)[]} */
  const waiting = [];
  let rest = '';
  socket.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) said.total = JSON.parse(line).total ?? said.total;
    for (const wake of waiting.splice(0)) wake();
  });
  /** @param {object} message */
  const say = (message) => void socket.write(`${JSON.stringify(message)}\n`);
  /** @param {number} total */
  const hear = async (total) => {
    while (said.total !== total) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
  };
  say({ type: 'hello', v: 1, pid, references: 1, canServe: true });
  while (said.total === 0 && !socket.destroyed) {
    await Promise.race([new Promise((resolve) => waiting.push(() => resolve(undefined))), closed]);
  }
  return { socket, closed, said, say, hear };
}
