/** The phases of a socket whose server is a command, in which its keeper, or the process that starts it, is killed. */

import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { hold, patient, release } from '../crash/phases.mjs';
import { serversOf } from '../lib/server.mjs';
import { kill, stop } from '../lib/signals.mjs';
import { until } from '../lib/until.mjs';

/** @typedef {import('../crash/phases.mjs').Phase} Phase */
/** @typedef {import('../crash/phases.mjs').Stage} Stage */

const watchdogMs = 120_000;

/** @type {readonly Phase[]} */
export const phases = [
  {
    name: 'start keeper',
    what: 'starts a keeper, which inherits the lock',
    command: 'path',
    play: async ({ path, subject, by }) => {
      await (await subject()).ask('acquire', { path, ...by, phase: 'marked' });
    },
  },
  {
    name: 'start keeper again',
    what: 'starts a keeper after a killed one, whose server lives',
    command: 'path',
    play: async ({ path, subject, victim, by }) => {
      const [dead, heir] = await Promise.all([victim(), subject()]);
      await dead.ask('acquire', { path, ...by });
      const { owner } = await dead.ask('inspect', path);
      await dead.kill();
      await kill(owner);
      await heir.ask('acquire', { path, ...by, phase: 'marked' });
    },
  },
  {
    name: 'take over',
    what: 'member starts another keeper in place of a killed one',
    command: 'path',
    play: async (stage) => {
      const { path, subject, by } = stage;
      const [waiting] = stage.others;
      const heir = await subject();
      await heir.ask('acquire', { path, ...by });
      // Cannot serve, so that it is always the subject that takes over.
      await hold(stage, waiting, { serve: false, server: undefined, options: patient });
      const { owner } = await waiting.ask('inspect', path);
      await heir.ask('takeOver', { path, owner, phase: 'marked' });
    },
  },
  {
    name: 'leave, last',
    what: 'member closes the last reference of all',
    command: 'path',
    play: async ({ path, subject, by }) => {
      const member = await subject();
      await member.ask('acquire', { path, ...by });
      await member.ask('close', { path, phase: 'marked' });
    },
  },
  {
    name: 'remove leftovers',
    what: 'closes the last reference while the keeper is killed, whose server lives',
    command: 'path',
    play: async ({ path, subject, by }) => {
      const member = await subject();
      await member.ask('acquire', { path, ...by });
      const { owner } = await member.ask('inspect', path);
      // A stopped keeper cannot answer.
      await stop(owner);
      const closed = member.ask('close', { path, phase: 'marked' });
      process.kill(owner, 'SIGKILL');
      await closed;
    },
  },
  ...['path', 'activation'].map(
    (mode) =>
      /** @type {Phase} */ ({
        name: `start, ${mode}`,
        what: 'keeper, from its first instruction until members are told "ready"',
        command: mode,
        keeper: 'boots',
        play: async (stage) => {
          const [first, second] = stage.others;
          await Promise.all([hold(stage, first), hold(stage, second)]);
          await first.ask('inspect', stage.path);
        },
      }),
  ),
  {
    name: 'serve',
    what: 'keeper, while others join, count, connect and leave',
    command: 'path',
    keeper: 'serves',
    play: async (stage) => {
      const { path, holders } = stage;
      const [first, second, third] = stage.others;
      await hold(stage, first);
      await hold(stage, second);
      await first.ask('inspect', path);
      await hold(stage, third);
      holders.set(first, 2);
      await first.ask('clone', path);
      await Promise.all([second.ask('connect', path), release(stage, third)]);
      await first.ask('inspect', path);
    },
  },
  ...['path', 'activation'].map(
    (mode) =>
      /** @type {Phase} */ ({
        name: `restart, ${mode}`,
        what: 'keeper, whose server is killed',
        command: mode,
        keeper: 'serves',
        play: async (stage) => {
          const { path } = stage;
          const [first, second] = stage.others;
          await hold(stage, first);
          await hold(stage, second);
          const before = await second.ask('connect', path);
          await first.ask('inspect', path);
          killServer(before);
          await another(second, path, before);
          await first.ask('inspect', path);
        },
      }),
  ),
  {
    name: 'repair',
    what: 'keeper publishes again what a cleaner removed',
    command: 'path',
    keeper: 'serves',
    play: async (stage) => {
      const { path } = stage;
      const [first] = stage.others;
      await hold(stage, first);
      rmSync(path);
      // A request for the holders also makes it check its files.
      await first.ask('inspect', path);
      await first.ask('connect', path);
      await first.ask('inspect', path);
    },
  },
  ...['path', 'activation'].map(
    (mode) =>
      /** @type {Phase} */ ({
        name: `end, ${mode}`,
        what: 'keeper ends it, and its server, for the last member',
        command: mode,
        keeper: 'ends',
        play: async (stage) => {
          const { path, by } = stage;
          const [first] = stage.others;
          await hold(stage, first);
          await first.ask('inspect', path);
          await release(stage, first);
          // The close of the last reference must mean that everything is gone, even if the keeper died during it.
          const servers = serversOf(/** @type {NonNullable<typeof by>} */ (by).env.SOCKREF_LAB_TRIAL);
          stage.leftAtEnd = [...readdirSync(dirname(path)), ...servers.map((pid) => `server ${pid}`)];
        },
      }),
  ),
  {
    name: 'give up',
    what: 'keeper, whose server cannot be started',
    command: 'path',
    keeper: 'boots',
    play: async (stage) => {
      const { path, by } = stage;
      const [first] = stage.others;
      const server = { .../** @type {NonNullable<typeof by>} */ (by).server, command: ['false'] };
      const failed = first.ask('acquire', { path, ...by, server });
      const error = await failed.then(
        () => new Error('a reference to nothing'),
        (reason) => reason,
      );
      if (error.code !== 'ERR_SOCKREF_SERVER_FAILED') throw error;
      stage.leftAtEnd = readdirSync(dirname(path));
    },
  },
];

/** @param {string} who */
function killServer(who) {
  try {
    process.kill(Number(who.split('/')[0]), 'SIGKILL');
  } catch {
    // Its keeper was killed, and another process has ended the server.
  }
}

/**
 * @param {import('../lib/process.mjs').Process} client
 * @param {string} path
 * @param {string} before
 */
async function another(client, path, before) {
  const isThere = await until(async () => (await client.ask('connect', path)) !== before, watchdogMs);
  if (!isThere) throw new Error('no other server came');
}
