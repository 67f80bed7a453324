import { chownSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findConfig as find, type SocketConfig } from '#src/cli/run/config.js';
import { withServed } from '../helpers/cli.js';
import { isRoot, otherUid } from '../helpers/place.js';

/** What the configuration says about a socket, if it names it. */
function findConfig(name: string, from: string): SocketConfig | undefined {
  const found = find(name, from);
  return found.kind === 'named' ? found.config : undefined;
}

describe('the configuration', () => {
  it.each([
    [
      '{"sockets": {"a.sock": {"serve": 5}}}',
      'sockets["a.sock"].serve must be a command: a string, or a list of strings with at least one of them, and is 5',
    ],
    [
      '{"sockets": {"a.sock": {"serve": []}}}',
      'sockets["a.sock"].serve must be a command: a string, or a list of strings with at least one of them, and is an array',
    ],
    ['{"sockets": {"a.sock": {}}}', 'sockets["a.sock"].serve is missing'],
    [
      '{"sockets": {"a.sock": {"serv": "x"}}}',
      'sockets["a.sock"].serv is not known; did you mean "serve"? A socket has serve, shell, activate, linger, timeout, readyTimeout, stopTimeout, stopSignal, restart, cwd, env, export, mode; sockets["a.sock"].serve is missing',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "timeout": "0"}}}',
      'sockets["a.sock"].timeout must be above 0, and is "0"',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "export": {"1A": "x"}}}}',
      'sockets["a.sock"].export.1A must be the name of a variable such as DB_SOCKET (letters, digits and _), and none of ',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "export": {"SOCKREF_DIR": "x"}}}}',
      'sockets["a.sock"].export.SOCKREF_DIR must be the name of a variable',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "linger": 30}}}',
      'sockets["a.sock"].linger must be a number with a unit: 500ms, 30s, 2m or 1h, and is 30',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "linger": "30"}}}',
      'sockets["a.sock"].linger must be a number with a unit: 500ms, 30s, 2m or 1h, and is "30"',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "lingr": "30s"}}}',
      'sockets["a.sock"].lingr is not known; did you mean "linger"? A socket has serve, shell, activate, ',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "mode": "999"}}}',
      'sockets["a.sock"].mode must be permission bits as octal digits',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "stopSignal": "STOP"}}}',
      'sockets["a.sock"].stopSignal must be the name of a signal, such as "SIGINT", and is "STOP"',
    ],
    [
      '{"sockets": {"a.sock": {"serve": "x", "restart": -1}}}',
      'sockets["a.sock"].restart must be a whole number of restarts in a row, from 0 on, and is -1',
    ],
    ['{"sockets": {"a.sock": {"serve": "x", "env": {"A": 1}}}}', 'sockets["a.sock"].env.A must be a string, and is 1'],
    ['{"sockets": {"a.sock": {"serve": "x \'"}}}', 'sockets["a.sock"].serve cannot be split into words'],
    [
      '{"sockets": {"a.sock": {"serve": ["x"], "shell": true}}}',
      'sockets["a.sock"].serve must be a string for a shell, and is a list',
    ],
    ['{"sockets": {"a.sock": "x"}}', 'sockets["a.sock"] must be an object, and is "x"'],
    ['{"sockets": 5}', 'sockets must be an object, one key for each socket, and is 5'],
    ['{"socket": {}}', 'socket is not known; did you mean "sockets"? There is only "sockets"; sockets is missing'],
    ['{"sockets": {}, "more": 1}', 'more is not known; there is only "sockets"'],
    ['5', 'the configuration must be an object, and is 5'],
    ['{', 'is not JSON: '],
  ])('refuses %s', (text, message) =>
    withServed(({ below }) => {
      const directory = realpathSync(below('.'));
      const file = join(directory, 'sockref.config.json');
      writeFileSync(file, text);
      const command = () => findConfig('a.sock', directory)?.command(undefined);
      expect(command).toThrow(`${file}${message.startsWith('is ') ? ' ' : ': '}${message}`);
    }),
  );

  it('that does not name a socket lists the names that it has', () =>
    withServed(({ below, configure }) => {
      configure({ 'db.sock': { serve: 'x' }, 'web.sock': { serve: 'y' } });
      const directory = realpathSync(below('.'));
      expect(find('dbs.sock', directory)).toMatchObject({
        kind: 'other',
        file: join(directory, 'sockref.config.json'),
        names: '"db.sock", "web.sock"',
        meant: 'db.sock',
      });
      configure({});
      expect(find('db.sock', directory)).toMatchObject({ names: 'no socket', meant: undefined });
    }));

  it.each(['js', 'mjs', 'cjs', 'ts', 'yaml', 'toml'])('is JSON, and sockref.config.%s is reported', (ending) =>
    withServed(({ below, configure }) => {
      const directory = realpathSync(below('.'));
      const file = join(directory, `sockref.config.${ending}`);
      writeFileSync(file, '');
      expect(() => find('a.sock', below('sub'))).toThrow(`${file} is not read: sockref reads only JSON`);
      configure({ 'a.sock': { serve: 'x' } });
      expect(find('a.sock', below('sub'))).toMatchObject({ kind: 'named', ignored: file });
      writeFileSync(join(below('sub'), 'package.json'), '{"sockref": {"sockets": {}}}');
      expect(find('a.sock', below('sub'))).toMatchObject({ kind: 'other', ignored: undefined });
    }),
  );

  it('is the nearest one, and says nothing about other sockets', () =>
    withServed(({ below, configure }) => {
      configure({ 'a.sock': { serve: 'x' } });
      const deep = below('sub/deep');
      writeFileSync(join(deep, 'package.json'), '{"name": "nothing for us"}');
      expect(findConfig('a.sock', deep)?.command(undefined)).toEqual(['x']);
      expect(findConfig('b.sock', deep)).toBeUndefined();
      expect(findConfig('toString', deep)).toBeUndefined();
      writeFileSync(join(deep, 'package.json'), '{"sockref": {"sockets": {"b.sock": {"serve": "y z"}}}}');
      expect(findConfig('a.sock', deep)).toBeUndefined();
      expect(findConfig('b.sock', deep)?.command(true)).toEqual(['sh', '-c', 'y z']);
    }));

  it('reads times in milliseconds, and modes as octal digits', () =>
    withServed(({ below, configure }) => {
      const times = { linger: '1.5s', timeout: '2m', readyTimeout: '500ms', stopTimeout: '0' };
      const more = { stopSignal: 'SIGINT', restart: 0, activate: true, env: { A: 'b' }, mode: '0660' };
      configure({ 'a.sock': { serve: 'x', cwd: '../elsewhere', ...times, ...more } });
      const directory = below('.');
      const { command: _, ...found } = findConfig('a.sock', directory) ?? { command: undefined };
      expect(found).toEqual({
        ...more,
        mode: 0o660,
        linger: 1500,
        timeout: 120_000,
        readyTimeout: 500,
        stopTimeout: 0,
        cwd: join(directory, '../elsewhere'),
      });
    }));

  it(isRoot ? 'is refused if it belongs to another user' : 'is accepted if it is ours', () =>
    withServed(({ below, configure }) => {
      configure({ 'a.sock': { serve: 'x' } });
      expect(findConfig('a.sock', below('sub'))?.command(undefined)).toEqual(['x']);
      if (!isRoot) return;
      chownSync(join(below('.'), 'sockref.config.json'), otherUid, otherUid);
      expect(() => findConfig('a.sock', below('sub'))).toThrow(`belongs to uid ${otherUid}, and not to you`);
      // In that user's own directory it is accepted.
      chownSync(below('theirs'), otherUid, otherUid);
      expect(findConfig('a.sock', below('theirs'))?.command(undefined)).toEqual(['x']);
    }),
  );
});
