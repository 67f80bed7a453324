/** The phases of a socket's life in which a process is killed. */

import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * @typedef {import('../lib/process.mjs').Process} Process
 */

/**
 * The players of one trial, all on one path in a directory of its own.
 *
 * @typedef {object} Stage
 * @property {string} path
 * @property {readonly [Process, Process, Process]} others live on from trial to trial, and hold nothing at the start
 * @property {() => Promise<Process>} subject starts the process that is going to be killed
 * @property {() => Promise<Process>} victim starts a process that is dead, one way or the other, when the phase is over
 * @property {readonly string[]} leftAtEnd what was there after the last reference of all had been closed
 * @property {Map<Process, number>} holders who holds how many references; the subject never counts
 * @property {{server: object, env: {SOCKREF_LAB_TRIAL: string}, keeper: string} | undefined} by in a phase with a
 * command: what an acquire takes for it
 */

/**
 * @typedef {object} Phase
 * @property {string} name
 * @property {string} what for the reader of the table
 * @property {'path' | 'activation'} [command] the server is a command, and gets its socket this way
 * @property {'boots' | 'serves' | 'ends'} [keeper] the subject is the first keeper: until the first time that it is
 * asked who holds it; from then to the second time; or to its end
 * @property {(stage: Stage) => Promise<void>} play rejects when the subject is killed on the way
 */

/** Longer than any trial: the lab does not test whether a takeover is in time. */
export const patient = { failoverTimeoutMs: 120_000 };
const phase = 'marked';

/** @type {readonly Phase[]} */
export const phases = [
  {
    name: 'claim',
    what: 'becomes owner of a new socket',
    play: async ({ path, subject }) => {
      await (await subject()).ask('acquire', { path, phase });
    },
  },
  {
    name: 'reclaim',
    what: 'becomes owner in place of a killed one',
    play: async ({ path, subject, victim }) => {
      const [dead, heir] = await Promise.all([victim(), subject()]);
      await dead.ask('acquire', { path });
      await dead.kill();
      await heir.ask('acquire', { path, phase });
    },
  },
  {
    name: 'release',
    what: 'owner closes the last reference',
    play: async ({ path, subject }) => {
      const owner = await subject();
      await owner.ask('acquire', { path });
      await owner.ask('close', { path, phase });
    },
  },
  {
    name: 'join',
    what: 'attaches as a member',
    play: async (stage) => {
      const [owner] = stage.others;
      await hold(stage, owner);
      await (await stage.subject()).ask('acquire', { path: stage.path, phase });
    },
  },
  {
    name: 'leave',
    what: 'member closes, others continue',
    play: async (stage) => {
      const [owner] = stage.others;
      await hold(stage, owner);
      const member = await stage.subject();
      await member.ask('acquire', { path: stage.path });
      await member.ask('close', { path: stage.path, phase });
    },
  },
  {
    name: 'leave, last',
    what: 'member closes the last reference of all',
    play: async (stage) => {
      const { path } = stage;
      const [owner] = stage.others;
      await hold(stage, owner);
      const member = await stage.subject();
      await member.ask('acquire', { path });
      await release(stage, owner);
      await member.ask('close', { path, phase });
    },
  },
  {
    name: 'serve',
    what: 'owner, while others join, count, connect and leave',
    play: async (stage) => {
      const { path } = stage;
      const [first, second, third] = stage.others;
      const owner = await ownerAmong(stage, first, second);
      await owner.ask('mark', 'begin');
      await hold(stage, third);
      stage.holders.set(first, 2);
      await first.ask('clone', path);
      await Promise.all([second.ask('connect', path), release(stage, third), owner.ask('clone', path)]);
      await owner.ask('mark', 'end');
    },
  },
  {
    name: 'retire',
    what: 'owner closes its own last, members remain',
    play: async (stage) => {
      const { path } = stage;
      const [first, second] = stage.others;
      const owner = await ownerAmong(stage, first, second);
      await owner.ask('mark', 'begin');
      await owner.ask('close', { path });
      // The members are told in a later turn. The owner still sees what they do then.
      await second.ask('connect', path);
      await owner.ask('mark', 'end');
    },
  },
  {
    name: 'end',
    what: 'owner ends it for the last member',
    play: async (stage) => {
      const { path } = stage;
      const [member] = stage.others;
      const owner = await ownerAmong(stage, member);
      await owner.ask('close', { path });
      await owner.ask('mark', 'begin');
      await release(stage, member);
      // The close of the last reference must mean that the files are gone, even if the owner died during it.
      stage.leftAtEnd = readdirSync(dirname(path));
      await owner.ask('mark', 'end');
    },
  },
  {
    name: 'repair',
    what: 'owner publishes again what a cleaner removed',
    play: async (stage) => {
      const { path } = stage;
      const [member] = stage.others;
      const owner = await ownerAmong(stage, member);
      rmSync(path);
      rmSync(`${path}.ctl`);
      await owner.ask('mark', 'begin');
      await owner.ask('connect', path);
      await owner.ask('mark', 'end');
    },
  },
  {
    name: 'failover',
    what: 'member takes over from a killed owner',
    play: async (stage) => {
      const { path } = stage;
      const [waiting] = stage.others;
      const [owner, heir] = await Promise.all([stage.victim(), stage.subject()]);
      await owner.ask('acquire', { path });
      await heir.ask('acquire', { path });
      // Cannot serve, so that it is always the subject that takes over.
      await hold(stage, waiting, { serve: false, options: patient });
      await heir.ask('takeOver', { path, owner: owner.pid, phase });
    },
  },
];

/**
 * The subject as the owner, with members.
 *
 * @param {Stage} stage
 * @param {...Process} members
 */
async function ownerAmong(stage, ...members) {
  const owner = await stage.subject();
  await owner.ask('acquire', { path: stage.path });
  for (const member of members) await hold(stage, member);
  return owner;
}

/**
 * Makes another process take a reference. It must get it, even if the subject dies meanwhile.
 *
 * @param {Stage} stage
 * @param {Process} process
 * @param {object} [how]
 */
export async function hold({ path, holders, by }, process, how = {}) {
  holders.set(process, 1);
  await process.ask('acquire', { path, options: patient, ...by, ...how });
}

/**
 * @param {Stage} stage
 * @param {Process} process
 */
export async function release({ path, holders }, process) {
  holders.delete(process);
  await process.ask('close', { path });
}
