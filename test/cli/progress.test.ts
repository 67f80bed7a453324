import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SocketInfo } from '#src/api/info.js';
import { Progress } from '#src/cli/run/progress.js';
import { joinedAs, waitingFor } from '#src/cli/run/waiting.js';
import { onTerminal, withServed } from '../helpers/cli.js';
import { FakeClock } from '../helpers/fake-clock.js';

const interruptible = fileURLToPath(new URL('../fixtures/interruptible.mjs', import.meta.url));
const shouter = fileURLToPath(new URL('../fixtures/shouter.mjs', import.meta.url));

/** Begins to wait for a text, on a terminal that records what was written. */
function waiting(columns = 80) {
  const written: string[] = [];
  const clock = new FakeClock();
  const progress = new Progress({ columns, write: (text) => written.push(text) }, clock);
  const start = (text: string | Promise<string>) => progress.start(async () => text);
  /** Lets the requested text arrive. */
  const pass = async (ms: number) => {
    clock.pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { written, clock, progress, start, pass };
}

describe('the progress of run', () => {
  it('is not shown for a short wait', async () => {
    const { written, clock, progress, start, pass } = waiting();
    start('starting');
    await pass(149);
    expect(progress.stop()).toBe(false);
    await pass(10_000);
    expect(written).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('is shown after 150 ms, kept up to date, and erased', async () => {
    const { written, clock, progress, start, pass } = waiting();
    start('starting');
    await pass(150);
    expect(written).toEqual(['\rstarting …\u001b[K']);
    for (let round = 0; round < 5; round++) await pass(200);
    expect(written.at(-1)).toBe('\rstarting … 1s\u001b[K');
    expect(progress.stop()).toBe(true);
    expect(written.at(-1)).toBe('\r\u001b[K');
    await pass(10_000);
    expect(written.at(-1)).toBe('\r\u001b[K');
    expect(clock.timers).toBe(0);
  });

  it('fits into a line', async () => {
    const { written, start, pass } = waiting(20);
    start('starting something with a long name');
    await pass(150);
    expect(written).toEqual(['\rstarting something…\u001b[K']);
  });

  it('does not show a text that arrives too late', async () => {
    const { written, progress, start, pass } = waiting();
    let tell = (_: string): void => {};
    start(new Promise<string>((resolve) => (tell = resolve)));
    await pass(150);
    progress.stop();
    tell('starting');
    await pass(10_000);
    expect(written).toEqual(['\r\u001b[K']);
  });
});

describe('what run waits for', () => {
  const holder = (pid: number, references = 1) => ({
    pid,
    references,
    thread: undefined,
    label: undefined,
    since: 0,
    canServe: true,
  });
  const info: SocketInfo = {
    path: '/x/a.sock',
    state: 'active',
    owner: holder(1, 0),
    server: undefined,
    references: 0,
    members: [],
    moreMembers: 0,
    since: 0,
  };
  const server = {
    pid: 5,
    command: 'redis-server -',
    argv: undefined,
    restarts: 0,
    waiting: false,
    noLog: undefined,
    problem: undefined,
  };

  it.each([
    [undefined, 'sockref: starting a.sock'],
    [{ state: 'starting' }, 'sockref: starting a.sock'],
    [{ state: 'active' }, 'sockref: joining a.sock'],
    [{ state: 'stopping' }, 'sockref: waiting for the previous server of a.sock to stop'],
    [{ state: 'unresponsive' }, 'sockref: waiting for the owner of a.sock (pid 1) to answer'],
    [{ server: { ...server, state: 'starting' } }, 'sockref: a.sock is starting redis-server -'],
    [{ server: { ...server, state: 'restarting' } }, 'sockref: a.sock is restarting redis-server -'],
  ] as const)('is told of %j', (what, text) => {
    expect(waitingFor('a.sock', what && { ...info, ...what })).toBe(text);
  });

  it.each([
    [[7], 0, 0, 'joined a.sock as its only holder'],
    [[3, 4, 7, 9], 0, 0, 'joined a.sock as third of four holders'],
    [[3, 4, 7, 9], 1, 0, 'joined a.sock as fourth of five holders'],
    [[3, 4], 1, 20, 'joined a.sock as number 23 of 23 holders'],
  ])('ends in a place among %j', (pids, own, more, text) => {
    const members = pids.map((pid) => holder(pid));
    const seen = { ...info, owner: holder(1, own), members, moreMembers: more };
    expect(joinedAs('a.sock', 7, seen, 1)).toBe(text);
  });
});

describe('the process that started a server', () => {
  const holder = (pid: number) => ({
    pid,
    references: 1,
    thread: undefined,
    label: undefined,
    since: 5,
    canServe: true,
  });
  const info = (...pids: number[]): SocketInfo => ({
    path: '/x/a.sock',
    state: 'active',
    owner: { ...holder(1), references: 0 },
    server: undefined,
    references: pids.length,
    members: pids.map(holder),
    moreMembers: 0,
    since: 5,
  });

  it('is not said to have joined it', () => {
    expect(joinedAs('a.sock', 7, info(7), 5)).toBe('started a.sock');
    expect(joinedAs('a.sock', 7, info(7, 8), 4)).toBe('started a.sock as first of two holders');
    expect(joinedAs('a.sock', 8, info(7, 8), 4)).toBe('joined a.sock as second of two holders');
    expect(joinedAs('a.sock', 7, info(7), 6)).toBe('joined a.sock as its only holder');
  });
});

describe('on a terminal, run', () => {
  it('shows what it waits for, and its position among the holders', () =>
    withServed(async ({ env, below }) => {
      const gate = join(below('.'), 'gate');
      execFileSync('mkfifo', [gate]);
      const serve = `sh -c 'read line < ${gate}; exec "${process.execPath}" "${shouter}" "$0"' {socket}`;
      const running = onTerminal(['run', 'a.sock', '--serve', serve, '--', 'echo', 'it runs'], env);
      await running.says('stdout', /\rsockref: a\.sock is starting sh -c /);
      await writeFile(gate, 'go on\n');
      const { code, stdout } = await running.ended;
      expect(code).toBe(0);
      expect(stdout).toContain('\r\u001b[Ksockref: started a.sock\r\nit runs\r\n');
    }));

  it('shows nothing with --quiet', () =>
    withServed(async ({ env, below }) => {
      const gate = join(below('.'), 'gate');
      execFileSync('mkfifo', [gate]);
      const serve = `sh -c 'echo up >&2; read line < ${gate}; exec "${process.execPath}" "${shouter}" "$0"' {socket}`;
      const running = onTerminal(['run', 'a.sock', '--quiet', '--serve', serve, '--', 'echo', 'it runs'], env);
      await writeFile(gate, 'go on\n');
      expect(await running.ended).toMatchObject({ code: 0, stdout: 'it runs\r\n' });
    }));

  it('does not pass Ctrl-C on to its command, which gets it from the terminal', () =>
    withServed(async ({ env }) => {
      const serve = `"${process.execPath}" "${shouter}" {socket}`;
      const running = onTerminal(['run', 'a.sock', '--quiet', '--serve', serve, '--', 'node', interruptible], env);
      await running.says('stdout', /up/);
      running.child.stdin?.write('\u0003');
      await running.says('stdout', /got it/);
      running.child.stdin?.write('\n');
      const { code, stdout } = await running.ended;
      expect(code).toBe(3);
      expect(stdout.match(/got it/g)).toHaveLength(1);
    }));
});
