import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openKeeperLog } from '#src/keeper/keeper-log.js';
import { maxLogBytes, olderPart } from '#src/keeper/log.js';
import { withDirectory } from '../helpers/directory.js';

const parse = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

it('writes lines of JSON at once', () =>
  withDirectory(async (directory) => {
    const file = `${directory}/db.keeper.log`;
    const log = await openKeeperLog(file);
    log.info({ server: 42 }, 'started');
    expect(parse(file)).toEqual([
      { level: 'info', time: expect.any(String), pid: process.pid, server: 42, msg: 'started' },
    ]);
    log.warn({}, 'restarting');
    log.error({ err: new Error('broken') }, 'ended');
    const [first, second, third] = parse(file);
    expect(Math.abs(Date.parse(first.time) - Date.now())).toBeLessThan(60_000);
    expect(second).toMatchObject({ level: 'warn', msg: 'restarting' });
    expect(third).toMatchObject({ level: 'error', msg: 'ended', err: { type: 'Error', message: 'broken' } });
    expect(statSync(file).mode & 0o7777).toBe(0o600);
    expect(log.problem).toBeUndefined();
    log.close();
    rmSync(file);
  }));

it('stays below the size of a log', () =>
  withDirectory(async (directory) => {
    const file = `${directory}/db.keeper.log`;
    const log = await openKeeperLog(file);
    const text = 'x'.repeat(10_000);
    for (let line = 0; line < 120; line++) log.info({ line }, text);
    expect(statSync(file).size).toBeLessThan(maxLogBytes);
    expect(statSync(olderPart(file)).size).toBe(maxLogBytes / 2);
    const { line } = parse(file).at(-1);
    expect(line).toBe(119);
    log.close();
    for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`);
  }));

it('drops its lines when there is no file, and can say why', async () => {
  const log = await openKeeperLog('/proc/sockref/db.keeper.log');
  expect(log.problem).toMatch(/^Cannot open the log .*mkdir failed with/);
  log.info({}, 'started');
  log.close();
});

it('drops what is said after it was closed', () =>
  withDirectory(async (directory) => {
    const file = `${directory}/db.keeper.log`;
    const log = await openKeeperLog(file);
    const before = readdirSync('/proc/self/fd').length;
    log.close();
    log.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before - 1);
    log.info({}, 'late');
    expect(readFileSync(file, 'utf8')).toBe('');
    expect(log.problem).toBeUndefined();
    rmSync(file);
  }));
