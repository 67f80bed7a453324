import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Journal } from '#src/keeper/journal.js';
import { LogFile, maxLogBytes, olderPart } from '#src/keeper/log.js';
import { LogDirectory } from '#src/keeper/log-file.js';
import { withDirectory } from '../helpers/directory.js';

const parse = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const asItIs = (text: string) => text;

/** Runs a test with a journal that is removed afterwards. */
const withJournal = (test: (journal: Journal, file: string) => void, hide = asItIs): Promise<void> =>
  withDirectory((path) => {
    const directory = LogDirectory.open({ path, make: false }, 'sockref');
    const journal = new Journal(() => LogFile.open(directory, 'db.keeper.log'), hide);
    test(journal, `${path}/sockref/db.keeper.log`);
    journal.close();
    directory.close();
    rmSync(`${path}/sockref`, { recursive: true });
  });

it('writes lines of JSON at once', () =>
  withJournal((journal, file) => {
    journal.info({ server: 42 }, 'started');
    expect(parse(file)).toEqual([
      { level: 'info', time: expect.any(String), pid: process.pid, server: 42, msg: 'started' },
    ]);
    journal.warn({}, 'restarting');
    journal.error({ err: new TypeError('broken') }, 'ended');
    const [first, second, third] = parse(file);
    expect(Math.abs(Date.parse(first.time) - Date.now())).toBeLessThan(60_000);
    expect(second).toMatchObject({ level: 'warn', msg: 'restarting' });
    expect(third).toMatchObject({ level: 'error', msg: 'ended', err: { type: 'TypeError', message: 'broken' } });
    expect(statSync(file).mode & 0o7777).toBe(0o600);
    expect(journal.problem).toBeUndefined();
  }));

it('hides the given texts, in every part of an event', () =>
  withJournal(
    (journal, file) => {
      journal.info({ command: 'x --password secret', deep: [{ error: new Error('secret') }] }, 'a secret');
      expect(readFileSync(file, 'utf8')).not.toContain('secret');
      expect(parse(file)[0]).toMatchObject({ command: 'x --password ***', msg: 'a ***' });
    },
    (text) => text.replaceAll('secret', '***'),
  ));

it('stays below the size of a log', () =>
  withJournal((journal, file) => {
    const text = 'x'.repeat(10_000);
    for (let line = 0; line < 120; line++) journal.info({ line }, text);
    expect(statSync(file).size).toBeLessThan(maxLogBytes);
    expect(statSync(olderPart(file)).size).toBe(maxLogBytes / 2);
    expect(parse(file).at(-1).line).toBe(119);
  }));

it.each([
  ['without a file', 'no room here', true],
  ['for an event that is no JSON', 'could not be written', false],
])('goes on %s, and can say why', (_, why, broken) =>
  withJournal((written) => {
    const open = (): never => {
      throw new Error('no room here');
    };
    const journal = broken ? new Journal(open, asItIs) : written;
    const circular: { self?: object } = {};
    circular.self = circular;
    journal.info(circular, 'started');
    expect(journal.problem).toContain(why);
    journal.close();
  }),
);

it('drops lines after it was closed', () =>
  withJournal((journal, file) => {
    const before = readdirSync('/proc/self/fd').length;
    journal.close();
    journal.close();
    expect(readdirSync('/proc/self/fd').length).toBe(before - 1);
    journal.info({}, 'late');
    expect(readFileSync(file, 'utf8')).toBe('');
    expect(journal.problem).toBeUndefined();
  }));
