import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { acceptedAt, listensAt, parseAccepted, parseListening } from '#src/keeper/socket-table.js';
import { withDirectory } from '../helpers/directory.js';
import { connectTo } from '../helpers/listening.js';

const line = (flags: string, state: string, inode: string, path: string) =>
  `0000000000000000: 00000003 00000000 ${flags} 0001 ${state} ${inode.padStart(5)} ${path}\n`;
const head = 'Num       RefCount Protocol Flags    Type St Inode Path\n';

it('finds accepted connections, and no listeners or waiting clients', () => {
  const table = [
    head,
    line('00010000', '01', '10', '/a/s'),
    line('00000000', '02', '0', '/a/s'),
    line('00000000', '03', '11', '/a/s'),
    line('00000000', '03', '1234567', '/a/s'),
    line('00000000', '03', '12', '/a/s2'),
    line('00000000', '03', '13', '/b/a/s'),
    line('00000000', '03', '14', ''),
  ].join('');
  expect(parseAccepted(table, '/a/s')).toEqual(new Set(['11', '1234567']));
  expect(parseAccepted(table, '/none')).toEqual(new Set());
  expect(parseAccepted(head, '/a/s')).toEqual(new Set());
  for (const none of [undefined, '']) expect(parseAccepted(none, '/a/s')).toBeUndefined();
});

it('finds listeners, and no accepted, waiting or only bound sockets', () => {
  const others = [
    head,
    line('00000000', '03', '11', '/a/s'),
    line('00000000', '02', '0', '/a/s'),
    line('00000000', '01', '12', '/a/s'),
    line('00010000', '01', '13', '/b/a/s'),
  ].join('');
  expect(parseListening(others, '/a/s')).toBe(false);
  expect(parseListening(others + line('00010000', '01', '10', '/a/s'), '/a/s')).toBe(true);
  for (const none of [undefined, '']) expect(parseListening(none, '/a/s')).toBeUndefined();
});

it.each(['/a/ two  spaces ', '/a/new\nline', '/a/\n', '/a/ends: in 03 11'])(
  'finds a path with any letters: %j',
  (path) => {
    const table = `${head}${line('00000000', '03', '11', path)}${line('00000000', '03', '12', `x${path}`)}`;
    expect(parseAccepted(table, path)).toEqual(new Set(['11']));
  },
);

it.runIf(process.platform === 'linux')('reads the table of the system', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/ä  b\n`;
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect(acceptedAt(path)).toEqual(new Set());
    expect(listensAt(path)).toBe(true);
    const accepted: Socket[] = [];
    for (let count = 1; count <= 2; count++) {
      const [[socket]] = await Promise.all([once(server, 'connection'), connectTo(path)]);
      accepted.push(socket);
      expect(acceptedAt(path)?.size).toBe(count);
    }
    for (const socket of accepted) socket.destroy();
    await Promise.all(accepted.map((socket) => once(socket, 'close')));
    expect(acceptedAt(path)).toEqual(new Set());
    server.close();
    await once(server, 'close');
    expect(listensAt(path)).toBe(false);
  }),
);
