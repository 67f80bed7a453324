import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { expect, it } from 'vitest';
import { logFiles } from '#src/keeper/log-place.js';

const path = '/run/user/1/sockref/db.sock';
const hash = createHash('sha256').update(path).digest('hex').slice(0, 12);

it('is in the state directory of the user', () => {
  expect(logFiles(path, { XDG_STATE_HOME: '/state', HOME: '/home/me' })).toMatchObject({
    home: { path: '/state', make: true },
    directory: '/state/sockref',
    output: `/state/sockref/db.sock-${hash}.log`,
    keeper: `/state/sockref/db.sock-${hash}.keeper.log`,
  });
  expect(logFiles(path, { HOME: '/home/me' })).toMatchObject({
    home: { path: '/home/me', make: false },
    directory: '/home/me/.local/state/sockref',
  });
});

it('ignores a relative path in the environment', () => {
  for (const relative of ['', 'state', './state']) {
    expect(logFiles(path, { XDG_STATE_HOME: relative, HOME: '/home/me' }).directory).toBe(
      '/home/me/.local/state/sockref',
    );
    expect(logFiles(path, { HOME: relative }).directory).toBe(`${homedir()}/.local/state/sockref`);
  }
});

it('is different for a socket with the same name in another directory', () => {
  const env = { XDG_STATE_HOME: '/state' };
  expect(logFiles('/a/db.sock', env).output).not.toBe(logFiles('/b/db.sock', env).output);
  expect(logFiles('/a/db.sock', env)).toEqual(logFiles('/a/db.sock', env));
});

it('has a name that is short enough for a file, even if the socket has a long one', () => {
  const { keeper } = logFiles(`/${'x'.repeat(106)}`, { XDG_STATE_HOME: '/state' });
  expect(keeper.length - '/state/sockref/'.length).toBeLessThan(200);
});
