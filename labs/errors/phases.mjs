/** What the subject does while calls fail. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { leaveStale } from './stale.mjs';

/** @typedef {import('../lib/process.mjs').Process} Process */
/** @typedef {import('./subject.mjs').Outcome} Outcome */

/**
 * The players of a trial, in a directory of its own.
 *
 * @typedef {object} Stage
 * @property {string} directory
 * @property {string} path
 * @property {Process} subject in which calls fail
 * @property {Process} other in which none does; a participant
 * @property {() => Promise<Process>} victim a participant that may be killed
 * @property {Map<Process, number>} holders what each was granted, and has not closed
 * @property {() => Promise<void>} kill kills the victim
 */

/**
 * @typedef {object} Phase
 * @property {string} name
 * @property {string} what for the reader of the table
 * @property {(stage: Stage) => Promise<void>} [prepare] what happens before calls fail
 * @property {(stage: Stage) => Promise<Outcome[]>} act resolves with what became of the subject's calls
 * @property {(value: any, stage: Stage, fails: string) => boolean} [isRight] whether an answer is true; by default any
 * is
 * @property {boolean} [leavesNothing] whether nothing may be left at once when its calls fail
 * @property {string} [expects] the code with which its calls fail in any case
 */

/** Long enough on a busy machine. A call that takes longer because of one error is stuck. */
const patient = { timeoutMs: 4_000, failoverTimeoutMs: 4_000, drainTimeoutMs: 1_000 };

/** The errors of a connection to an owner that is ending: then the answer may say so. */
const departures = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EAGAIN', 'EPIPE'];

/** @type {readonly Phase[]} */
export const phases = [
  {
    name: 'claim',
    what: 'becomes owner of a new socket',
    leavesNothing: true,
    act: async (stage) => [await acquire(stage, { serve: true })],
  },
  {
    name: 'stale',
    what: 'becomes owner in place of a dead one',
    prepare: ({ path }) => leaveStale(path),
    act: async (stage) => [await acquire(stage, { serve: true })],
  },
  {
    name: 'join only',
    what: 'finds that the socket is not served',
    leavesNothing: true,
    expects: 'ERR_SOCKREF_NOT_SERVED',
    act: async (stage) => [await acquire(stage, {})],
  },
  {
    name: 'join only, stale',
    what: 'finds a dead owner, cannot serve',
    prepare: ({ path }) => leaveStale(path),
    expects: 'ERR_SOCKREF_NOT_SERVED',
    act: async (stage) => [await acquire(stage, {})],
  },
  {
    name: 'join',
    what: 'attaches as a member',
    prepare: (stage) => hold(stage),
    act: async (stage) => [await acquire(stage, { serve: true })],
  },
  {
    name: 'release',
    what: 'owner closes the last reference',
    prepare: async (stage) => void (await acquire(stage, { serve: true })),
    act: async (stage) => [await close(stage)],
  },
  {
    name: 'retire',
    what: 'owner closes its own last, a member remains',
    prepare: async (stage) => {
      await acquire(stage, { serve: true });
      await hold(stage);
    },
    act: async (stage) => [await close(stage), await connect(stage)],
  },
  {
    name: 'end',
    what: 'owner ends it for the last member',
    prepare: async (stage) => {
      await acquire(stage, { serve: true });
      await hold(stage);
      await close(stage);
    },
    act: async (stage) => {
      stage.holders.delete(stage.other);
      return [await closeElsewhere(stage)];
    },
  },
  {
    name: 'leave',
    what: 'member closes, others continue',
    prepare: async (stage) => {
      await hold(stage);
      await acquire(stage, {});
    },
    act: async (stage) => [await close(stage)],
  },
  {
    name: 'leave, last',
    what: 'member closes the last reference of all',
    prepare: async (stage) => {
      await hold(stage);
      await acquire(stage, {});
      stage.holders.delete(stage.other);
      await stage.other.ask('close', { path: stage.path });
    },
    act: async (stage) => [await close(stage)],
  },
  {
    name: 'force',
    what: 'owner is cleaned up by force, a member continues',
    prepare: async (stage) => {
      await acquire(stage, { serve: true });
      await hold(stage);
    },
    act: async ({ subject, path, holders }) => {
      holders.delete(subject);
      return [await subject.ask('force', path)];
    },
  },
  {
    name: 'failover',
    what: 'member takes over from a killed owner',
    prepare: async (stage) => {
      const owner = await stage.victim();
      await owner.ask('acquire', { path: stage.path });
      await acquire(stage, { serve: true });
      await hold(stage, { serve: false });
      await stage.subject.ask('expectFailover');
      stage.kill = () => owner.kill();
    },
    act: async (stage) => {
      await stage.kill();
      return [await stage.subject.ask('failover')];
    },
  },
  {
    name: 'served',
    what: 'owner, while others join, count, connect, leave',
    prepare: async (stage) => void (await acquire(stage, { serve: true })),
    act: async (stage) => {
      const { path, other, subject } = stage;
      await hold(stage);
      stage.holders.set(other, 2);
      await other.ask('clone', path);
      await other.ask('connect', path);
      stage.holders.set(subject, 2);
      const cloned = await subject.ask('clone', path);
      stage.holders.set(other, 1);
      await other.ask('close', { path });
      return [cloned];
    },
  },
  {
    name: 'connect',
    what: 'member connects',
    prepare: async (stage) => {
      await hold(stage);
      await acquire(stage, { serve: true });
    },
    act: async (stage) => [await stage.subject.ask('connect', stage.path)],
  },
  {
    name: 'repair',
    what: 'owner publishes again what a cleaner removed',
    prepare: async (stage) => {
      await acquire(stage, { serve: true });
      await hold(stage);
      for (const name of [stage.path, `${stage.path}.ctl`, `${stage.path}.lock`]) rmSync(name);
    },
    act: async (stage) => [await stage.subject.ask('connect', stage.path)],
  },
  {
    name: 'inspect',
    what: 'looks at a socket that is served elsewhere',
    prepare: (stage) => hold(stage),
    act: async ({ subject, path }) => [await subject.ask('inspect', path)],
    isRight: (value, _, fails) => isServed(value, fails),
  },
  {
    name: 'inspect, stale',
    what: 'looks at what a dead owner left',
    prepare: ({ path }) => leaveStale(path),
    act: async ({ subject, path }) => [await subject.ask('inspect', path)],
    isRight: (value) => value?.state === 'stale',
  },
  {
    name: 'list',
    what: 'looks at a directory with both',
    prepare: async (stage) => {
      await hold(stage);
      await leaveStale(join(stage.directory, 'dead.sock'));
    },
    act: async ({ subject, directory }) => [await subject.ask('list', directory)],
    isRight: (value, _, fails) => value.length === 2 && value[0].state === 'stale' && isServed(value[1], fails),
  },
];

/**
 * Whether an answer says that one reference is held; or that the owner is ending or does not answer, if the system said
 * so.
 *
 * @param {any} value
 * @param {string} fails
 */
function isServed(value, fails) {
  if (departures.includes(fails) && ['starting', 'unresponsive'].includes(value?.state)) return true;
  return value?.state === 'active' && value.references === 1;
}

/**
 * @param {Stage} stage
 * @param {{serve?: boolean}} how
 * @returns {Promise<Outcome>}
 */
async function acquire({ subject, path, holders }, { serve = false }) {
  const outcome = await subject.ask('acquire', { path, serve, options: patient });
  if (!outcome.error) holders.set(subject, 1);
  return outcome;
}

/**
 * @param {Stage} stage
 * @returns {Promise<Outcome>}
 */
function close({ subject, path, holders }) {
  holders.delete(subject);
  return subject.ask('close', path);
}

/**
 * Makes the other process, in which nothing fails, hold a reference.
 *
 * @param {Stage} stage
 * @param {{serve?: boolean}} [how]
 */
async function hold({ other, path, holders }, { serve = true } = {}) {
  await other.ask('acquire', { path, serve, options: patient });
  holders.set(other, 1);
}

/**
 * The other process connects: the owner must still serve it.
 *
 * @param {Stage} stage
 * @returns {Promise<Outcome>}
 */
async function connect({ other, path }) {
  return { value: await other.ask('connect', path) };
}

/**
 * The other process closes the last reference. It gets an error if the owner could not remove something.
 *
 * @param {Stage} stage
 * @returns {Promise<Outcome>}
 */
async function closeElsewhere({ other, path }) {
  try {
    return { value: await other.ask('close', { path }) };
  } catch (error) {
    const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
    return { error: { typed: code.startsWith('ERR_SOCKREF_'), code, text: message } };
  }
}
