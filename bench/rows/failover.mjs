// @ts-check
import { mkdirSync, rmSync } from 'node:fs';
import { Process, startAll } from '../../labs/lib/process.mjs';
import { until } from '../../labs/lib/until.mjs';
import { measure } from '../lib/measure.mjs';
import { judged, ratio } from '../lib/targets.mjs';

/** @import { Group, Row } from '../lib/types.mjs' */

const program = new URL('../../labs/failover-time/member.mjs', import.meta.url);
const watchdogMs = 60_000;
const target = 10;

/** @type {Row} */
export const failover = {
  id: 'failover',
  title: 'Failover',
  words:
    'The owner is killed by SIGKILL. The floor is the time until a plain connection to it gets `close`: no process can know of the' +
    ' death earlier. *First answer*: a member calls `reference.connect()` right after the kill, and a new owner has answered. *All' +
    ' attached*: the last member has an owner again. The members are in at most ten processes, and each has its own control ' +
    'connection; there are more processes than cores.',
  run: async ({ memory, choose, progress }) => {
    /** @type {Group[]} */
    const groups = [];
    const processes = await startAll(10, program);
    for (const members of [1, 10, 100, 1000].slice(0, choose(4, 2))) {
      progress(`failover with ${members} members`);
      const cast = processes.slice(0, Math.min(members, processes.length));
      const trials = choose(members < 100 ? 40 : members < 1000 ? 20 : 8, 5);
      groups.push(await group(cast, members, `${memory}/failover`, trials));
    }
    await Promise.all(processes.map((one) => one.end()));
    return groups;
  },
};

/**
 * @param {readonly Process[]} cast
 * @param {number} members
 * @param {string} directory
 * @param {number} trials
 */
async function group(cast, members, directory, trials) {
  let lost = 0;
  let trial = { closed: 0, answered: 0, attached: 0 };
  const measured = await measure({
    name: members === 1 ? '1 member' : `${members} members`,
    unit: 'ms',
    rounds: trials,
    contenders: [
      {
        role: 'floor',
        name: '`close` of a plain connection',
        sample: async () => {
          mkdirSync(directory, { mode: 0o700 });
          const outcome = await failOver(cast, members, `${directory}/s.sock`);
          rmSync(directory, { recursive: true });
          lost += outcome.lost;
          trial = outcome;
          return [trial.closed];
        },
      },
      { role: 'ours', name: 'first answer', sample: () => [trial.answered] },
      { role: 'ours', name: 'all attached', sample: () => [trial.attached] },
    ],
    targets:
      members === target
        ? [
            ratio('failover-10', 'floor', 10, {
              says: '10 members: first answer within 10x of the floor',
              only: 'first answer',
            }),
          ]
        : [],
  });
  const none = judged({
    id: `failover-${members}-lost`,
    says: `${measured.name}: no reference lost`,
    value: lost,
    limit: 0,
    must: 'at most',
    kind: 'count',
  });
  return { ...measured, targets: [...measured.targets, none] };
}

/**
 * @param {readonly Process[]} cast
 * @param {number} members
 * @param {string} path
 */
async function failOver(cast, members, path) {
  const owner = await Process.start(program);
  await owner.ask('own', path);
  await Promise.all(cast.map((one) => one.ask('hold', { path, managers: members / cast.length })));
  const [killer] = /** @type {[Process]} */ (/** @type {unknown} */ (cast));
  const { killed, closed, answered } = await killer.ask('kill', { path, owner: owner.pid });
  const attached = Math.max(...(await Promise.all(cast.map((one) => one.ask('attached'))))) - killed;
  /** @type {number[]} */
  let counts = [];
  await until(async () => {
    counts = (await Promise.all(cast.map((one) => one.ask('counts')))).flat();
    return counts.every((count) => count === members);
  }, watchdogMs);
  const lost = counts.filter((count) => count !== members).length;
  await Promise.all(cast.map((one) => one.ask('end')));
  await owner.ended;
  return { closed, answered, attached, lost };
}
