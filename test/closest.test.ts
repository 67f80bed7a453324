import { expect, it } from 'vitest';
import { closest } from '#src/closest.js';

const names = ['serve', 'server', 'mode', 'lingerMs', 'signal'];

it.each([
  ['serv', 'serve'],
  ['servr', 'serve'],
  ['Mode', 'mode'],
  ['lingerms', 'lingerMs'],
  ['linger', 'lingerMs'],
  ['singal', 'signal'],
])('%s was meant to be %s', (given, meant) => expect(closest(given, names)).toBe(meant));

it.each(['', 'm', 'xx', 'path', 'timeoutMs', '__proto__'])('%j is not close to any of them', (given) =>
  expect(closest(given, names)).toBeUndefined(),
);
