import { expect, it } from 'vitest';
import { expandCommand } from '#src/keeper/command.js';

const at = { socket: '/run/a b/app.sock', dir: '/run/a b' };

it('fills in the placeholders, in any place', () => {
  expect(expandCommand(['{socket}', '--unix={socket}', '{dir}/log', '{dir}:{socket}:{dir}'], at)).toEqual([
    '/run/a b/app.sock',
    '--unix=/run/a b/app.sock',
    '/run/a b/log',
    '/run/a b:/run/a b/app.sock:/run/a b',
  ]);
});

it('does not change anything else', () => {
  const command = [
    '',
    'redis-server',
    '{Socket}',
    '{ socket }',
    '${socket',
    'socket}',
    '{}',
    '{port}',
    '$HOME',
    '*',
    "'",
  ];
  expect(expandCommand(command, at)).toEqual(command);
  expect(expandCommand(['{{socket}}', '%{dir}'], at)).toEqual(['{/run/a b/app.sock}', '%/run/a b']);
  expect(expandCommand([], at)).toEqual([]);
});

it('inserts a path unchanged, with any letters', () => {
  const odd = { socket: '/tmp/{dir}/$&', dir: "/tmp/$'{socket}" };
  expect(expandCommand(['{socket}', '{dir}'], odd)).toEqual([odd.socket, odd.dir]);
});

it('does not change the given list', () => {
  const command = Object.freeze(['{socket}']);
  expandCommand(command, at);
  expect(command).toEqual(['{socket}']);
});
