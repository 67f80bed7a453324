import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Cli, cli, onTerminal, type Scene, withServed } from '../helpers/cli.js';
import { endProcessesOf, processesOf } from '../helpers/processes.js';
import { until } from '../helpers/until.js';

type Begun = (scene: Scene) => boolean;

const locked: Begun = ({ directory }) => existsSync(join(directory, 'a.sock.lock'));

const starting: Begun = ({ log }) => {
  try {
    return log('a.sock').includes('begun');
  } catch {
    // The log does not exist yet.
    return false;
  }
};

const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));
const serve = `"${process.execPath}" "${shouter}" {socket}`;

/** A server that is never ready, and says that it has begun. */
const neverReady = (atTerm: string) => [
  '--shell',
  '--serve',
  `trap '${atTerm}' TERM; echo begun; while :; do sleep 0.01; done`,
];

describe('sockref run that is interrupted while it waits', () => {
  it.each([
    ['SIGINT', 'its server starts', starting],
    ['SIGHUP', 'its server starts', starting],
    ['SIGTERM', 'its server starts', starting],
    ['SIGTERM', 'the socket is locked', locked],
  ] as const)('by %s when %s, ends by it when nothing is left', (signal, _, begun) =>
    withServed(async (scene) => {
      const { directory, state, env } = scene;
      const running = new Cli(['run', 'a.sock', ...neverReady('sleep 0.2; exit'), '--', 'true'], { env });
      await until('it has begun', () => begun(scene));
      running.child.kill(signal);
      expect(await running.ended).toMatchObject({ signal, stdout: '', stderr: '' });
      expect(readdirSync(directory)).toEqual([]);
      // The keeper ends a moment after the last file is gone.
      await until('no process is left', () => processesOf(state).length === 0);
    }),
  );

  it('leaves nothing at any moment until its command has the signals', () =>
    withServed(async ({ directory, env }) => {
      // Turns of the event loop after the first sign of a keeper.
      for (const moment of [0, 256, 1024, 4096, 8192, 16_384, 32_768]) {
        const running = new Cli(['run', 'a.sock', '--serve', serve, '--', 'sleep', '600'], { env });
        await until('its keeper has begun', () => existsSync(join(directory, 'a.sock.ctl')));
        for (let turns = 0; turns < moment; turns++) await turn();
        running.child.kill('SIGTERM');
        expect(await running.ended, `after ${moment} turns`).toMatchObject({ signal: 'SIGTERM', stderr: '' });
        expect(readdirSync(directory), `after ${moment} turns`).toEqual([]);
      }
    }));

  it('erases what it showed on a terminal', () =>
    withServed(async ({ directory, state, env }) => {
      const running = onTerminal(['run', 'a.sock', ...neverReady('exit'), '--', 'true'], env);
      await running.says('stdout', /starting/);
      running.child.stdin?.write('\u0003');
      // The status that `script` has for SIGINT.
      expect((await running.ended).code).toBe(130);
      expect(running.stdout.endsWith('\r\u001b[K')).toBe(true);
      expect(readdirSync(directory)).toEqual([]);
      await until('no process is left', () => processesOf(state).length === 0);
    }));

  it('ends at once at a second signal', () =>
    withServed(async (scene) => {
      const { directory, state, env } = scene;
      const args = ['run', 'a.sock', '--stop-timeout', '10m', ...neverReady(''), '--', 'true'];
      const running = new Cli(args, { env });
      await until('it has begun', () => starting(scene));
      await until('it has ended', () => {
        running.child.kill('SIGINT');
        return running.child.signalCode !== null;
      });
      expect(await running.ended).toMatchObject({ signal: 'SIGINT', stderr: '' });
      endProcessesOf(state);
      await until('no process is left', () => processesOf(state).length === 0);
      expect(await cli(['run', 'a.sock', '--serve', 'false {socket}', '--', 'true'], { env })).toMatchObject({
        code: 125,
      });
      expect(readdirSync(directory)).toEqual([]);
    }));
});
