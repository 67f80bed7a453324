import { expect, it } from 'vitest';
import { processStart } from '#src/files/platform.js';
import { parsePs, parseStat, processEntry, processTable, startOf } from '#src/processes/table.js';

const stat = (name: string, state: string, threads: number) =>
  `42 (${name}) ${state} 1 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 ${threads} 0 1234567 8 9`;

it('reads what the kernel says about a process, with any name', () => {
  const expected = { pid: 42, group: 40, session: 39, start: '1234567', stopped: false, ended: false };
  for (const name of ['sh', 'a) S 1 (b', ') Z 2 2', '', 'a b']) {
    expect(parseStat(stat(name, 'S', 1))).toEqual(expected);
  }
  for (const state of ['T', 't']) expect(parseStat(stat('sh', state, 1))).toEqual({ ...expected, stopped: true });
});

it('knows which processes have ended: a zombie has, unless it has living threads', () => {
  for (const state of ['Z', 'X', 'x']) expect(parseStat(stat('sh', state, 1))?.ended).toBe(true);
  expect(parseStat(stat('sh', 'Z', 0))?.ended).toBe(true);
  expect(parseStat(stat('sh', 'Z', 2))?.ended).toBe(false);
});

it('is undefined for a text that is not a process', () => {
  for (const text of ['', '42', '42 (sh)', '42 (sh) S 1 2']) expect(parseStat(text)).toBeUndefined();
});

it('lists this process with its start time, as a record has it', () => {
  const own = processTable().find(({ pid }) => pid === process.pid);
  expect(own).toEqual(processEntry(process.pid));
  expect(own?.ended).toBe(false);
  if (process.platform === 'linux') expect(startOf(process.pid)).toBe(processStart(process.pid));
});

it('reads the output of ps where there is nothing else', () => {
  const text = [
    '    1     1 Ss   Sun Nov 22 22:34:53 2026',
    '   20    19 T    Sun Nov 22 22:35:00 2026    ',
    '   30    19 Z+   Sun Nov 22 22:35:01 2026',
    'ps: something else',
    '',
  ].join('\n');
  const none = { session: undefined, stopped: false, ended: false };
  expect(parsePs(text)).toEqual([
    { ...none, pid: 1, group: 1, start: 'Sun Nov 22 22:34:53 2026' },
    { ...none, pid: 20, group: 19, start: 'Sun Nov 22 22:35:00 2026', stopped: true },
    { ...none, pid: 30, group: 19, start: 'Sun Nov 22 22:35:01 2026', ended: true },
  ]);
});
