import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LogFile, maxLogBytes, maxNamelessBytes, olderPart, watch } from '#src/keeper/log.js';
import { LogDirectory } from '#src/keeper/log-file.js';
import { withDirectory } from '../helpers/directory.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { isRoot, itAsRoot, otherUid } from '../helpers/place.js';
import { type Entry, make, treeOf } from '../helpers/tree.js';

const half = maxLogBytes / 2;

/** Opens the log `db.log`, and creates its directories. */
function openLog(home: string, below = 'state/sockref', make = false): LogFile {
  const directory = LogDirectory.open({ path: home, make }, below);
  onTestFinished(() => directory.close());
  return LogFile.open(directory, 'db.log');
}

/** Runs a test with a log that is removed afterwards. */
function withLog<Value>(test: (log: LogFile, file: string) => Value | Promise<Value>): Promise<Value> {
  return withDirectory(async (directory) => {
    const log = openLog(directory);
    try {
      return await test(log, `${directory}/state/sockref/db.log`);
    } finally {
      log.close();
      rmSync(`${directory}/state`, { recursive: true });
    }
  });
}

/** Lines of 100 bytes that count up. */
const lines = (count: number, first = 0) =>
  Array.from({ length: count }, (_, index) => `${String(first + index).padStart(99, '.')}\n`).join('');

describe('a log', () => {
  it('is made for this user alone, with the directories above it', () =>
    withDirectory((directory) => {
      const umask = process.umask(0);
      try {
        openLog(directory, 'a/b').close();
      } finally {
        process.umask(umask);
      }
      for (const made of ['a', 'a/b']) expect(statSync(`${directory}/${made}`).mode & 0o7777).toBe(0o700);
      expect(statSync(`${directory}/a/b/db.log`).mode & 0o7777).toBe(0o600);
      rmSync(`${directory}/a`, { recursive: true });
    }));

  it('continues where an earlier one ended, and hides it from others', () =>
    withLog((first, file) => {
      writeSync(first.fd, 'one\n');
      chmodSync(file, 0o644);
      const log = openLog(dirname(dirname(dirname(file))));
      expect(statSync(file).mode & 0o7777).toBe(0o600);
      writeSync(log.fd, 'two\n');
      expect(log.tail()).toBe('two');
      expect(first.tail()).toBe('one\ntwo');
      expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
      log.close();
    }));

  it('is written to by programs, each at its end', () =>
    withLog((log, file) => {
      for (let round = 0; round < 2; round++) {
        spawnSync('sh', ['-c', 'echo out; echo err >&2'], { stdio: ['ignore', log.fd, log.fd] });
        ftruncateSync(log.fd, 4);
      }
      expect(readFileSync(file, 'utf8')).toBe('out\n');
      spawnSync('sh', ['-c', 'echo more >>/dev/stderr'], { stdio: ['ignore', log.fd, log.fd] });
      expect(readFileSync(file, 'utf8')).toBe('out\nmore\n');
    }));

  it('can be closed many times, and then does nothing', () =>
    withLog((log) => {
      const before = readdirSync('/proc/self/fd').length;
      log.close();
      log.close();
      expect(readdirSync('/proc/self/fd').length).toBe(before - 1);
      log.limit();
      log.mark();
      expect(log.tail()).toBe('');
    }));
});

describe('the end of a log', () => {
  it('is that of what was written since the mark', () =>
    withLog((log) => {
      expect(log.tail()).toBe('');
      writeSync(log.fd, 'one\n');
      expect(log.tail()).toBe('one');
      log.mark();
      expect(log.tail()).toBe('');
      writeSync(log.fd, 'two\nthree');
      expect(log.tail()).toBe('two\nthree');
    }));

  it('is of whole lines, no more than were asked for', () =>
    withLog((log) => {
      writeSync(log.fd, lines(100));
      expect(log.tail().split('\n')).toHaveLength(40);
      expect(log.tail(200)).toBe(lines(2, 98).trim());
      expect(log.tail(199)).toBe(lines(1, 99).trim());
      expect(log.tail(100_000).trim()).toBe(lines(100).trim());
      log.mark();
      writeSync(log.fd, 'ä'.repeat(5_000));
      expect(log.tail()).toBe('ä'.repeat(2_048));
    }));

  it('is found even if the log was cut meanwhile', () =>
    withLog((log) => {
      writeSync(log.fd, lines(5_000));
      log.mark();
      writeSync(log.fd, lines(10_000, 5_000));
      log.limit();
      expect(log.tail(500)).toBe(lines(5, 14_995).trim());
      writeSync(log.fd, 'last\n');
      expect(log.tail(305)).toBe(`${lines(3, 14_997)}last`.trim());
      log.mark();
      expect(log.tail()).toBe('');
      writeSync(log.fd, 'new\n');
      expect(log.tail()).toBe('new');
    }));

  it('does not begin before the mark, even if the log was cut meanwhile', () =>
    withLog((log) => {
      writeSync(log.fd, lines(12_000));
      log.mark();
      writeSync(log.fd, 'mine\n');
      log.limit();
      expect(log.tail()).toBe('mine');
      writeSync(log.fd, 'too\n');
      expect(log.tail()).toBe('mine\ntoo');
    }));

  it('is found after another program has emptied the log', () =>
    withLog((log, file) => {
      writeSync(log.fd, lines(100));
      log.mark();
      truncateSync(file);
      writeSync(log.fd, 'after\n');
      expect(log.tail()).toBe('after');
      log.mark();
      expect(log.tail()).toBe('');
    }));

  it('is found without its older part', () =>
    withLog((log, file) => {
      writeSync(log.fd, lines(12_000));
      log.limit();
      rmSync(olderPart(file));
      expect(log.tail()).toBe('');
      writeSync(log.fd, 'last\n');
      expect(log.tail()).toBe('last');
    }));
});

describe('the size of a log', () => {
  it('may be exactly the limit', () =>
    withLog((log, file) => {
      writeSync(log.fd, 'x'.repeat(maxLogBytes));
      log.limit();
      expect(statSync(file).size).toBe(maxLogBytes);
      expect(() => lstatSync(olderPart(file))).toThrow();
    }));

  it('is reduced when it exceeds the limit, and the newer half is kept', () =>
    withLog((log, file) => {
      for (const first of [0, 20_000]) {
        writeSync(log.fd, lines(12_000, first));
        log.limit();
        expect(statSync(file).size).toBe(0);
        const kept = readFileSync(olderPart(file), 'utf8');
        expect(kept).toBe(lines(12_000, first).slice(-half));
        expect(statSync(olderPart(file)).mode & 0o7777).toBe(0o600);
      }
    }));

  it('is reduced for programs that do not append, too, and their output is kept', () =>
    withLog((log, file) => {
      // As a program does that opens /dev/stderr again.
      const fd = openSync(file, 'r+');
      writeSync(fd, lines(12_000));
      log.limit();
      for (let line = 0; line < 3; line++) {
        writeSync(fd, lines(1, 12_000 + line));
        log.limit();
        expect(statSync(file).size).toBe(0);
      }
      expect(readFileSync(olderPart(file), 'utf8')).toBe(lines(12_003).slice(-half));
      expect(log.tail(300)).toBe(lines(3, 12_000).trim());
      closeSync(fd);
    }));

  it('is reduced even if the rest cannot be kept', () =>
    withLog((log, file) => {
      mkdirSync(olderPart(file));
      writeSync(log.fd, lines(12_000));
      log.limit();
      expect(statSync(file).size).toBe(0);
      expect(log.tail(200)).toBe(lines(2, 11_998).trim());
      rmdirSync(olderPart(file));
      log.limit();
      expect(readFileSync(olderPart(file), 'utf8')).toBe(lines(12_000).slice(-half));
    }));

  it('is checked regularly, until that is stopped', () =>
    withLog((log, file) => {
      const clock = new FakeClock();
      const end = watch(
        () => log.limit(),
        clock,
        (error) => expect.unreachable(String(error)),
      );
      for (let round = 0; round < 3; round++) {
        writeSync(log.fd, lines(12_000));
        clock.pass(249);
        expect(statSync(file).size).toBe(1_200_000);
        clock.pass(1);
        expect(statSync(file).size).toBe(0);
      }
      end();
      expect(clock.timers).toBe(0);
    }));
});

describe('a foreign file at the place of a log', () => {
  const entries: Record<string, (path: string) => Entry[]> = {
    'a directory': (path) => [{ directory: path, mode: '0700' }],
    'a link to a file of ours': (path) => [
      { file: `${path}.ours`, mode: '0644', text: 'mine' },
      { link: path, to: 'db.log.ours' },
    ],
    'a FIFO': (path) => [{ fifo: path, mode: '0600' }],
    'a socket': (path) => [{ socket: path }],
  };

  it.each(Object.entries(entries))('is left alone: %s', (_, entry) =>
    withDirectory(async (directory) => {
      mkdirSync(`${directory}/sockref`, 0o700);
      const file = `${directory}/sockref/db.log`;
      for (const each of entry(file)) await make(each);
      const before = treeOf(directory);
      const opened = LogDirectory.open({ path: directory, make: false }, 'sockref');
      onTestFinished(() => opened.close());
      const descriptors = readdirSync('/proc/self/fd').length;
      expect(() => LogFile.open(opened, 'db.log')).toThrow(
        expect.objectContaining({ name: 'SocketReferenceError', path: file }),
      );
      expect(treeOf(directory)).toEqual(before);
      expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
      for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true });
    }),
  );

  it.each(Object.entries(entries))('is left alone in the place of the older part: %s', (_, entry) =>
    withLog(async (log, file) => {
      const older = olderPart(file);
      for (const each of entry(older)) await make(each);
      const before = treeOf(older.slice(0, older.lastIndexOf('/')));
      const { [`db.log`]: _before, ...rest } = before;
      writeSync(log.fd, lines(12_000));
      log.limit();
      const { [`db.log`]: _after, ...left } = treeOf(older.slice(0, older.lastIndexOf('/')));
      expect(left).toEqual(rest);
      expect(statSync(file).size).toBe(0);
    }),
  );

  it('is not used: a directory in which others can replace the log', () =>
    withDirectory((directory) => {
      mkdirSync(`${directory}/open`);
      chmodSync(`${directory}/open`, 0o777);
      expect(() => openLog(directory, 'open')).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_UNSAFE_DIRECTORY' }),
      );
      expect(readdirSync(`${directory}/open`)).toEqual([]);
      rmSync(`${directory}/open`, { recursive: true });
    }));

  itAsRoot('is not used: a file of another user, even if we may write to it', () =>
    withDirectory((directory) => {
      mkdirSync(`${directory}/sockref`, 0o700);
      const file = `${directory}/sockref/db.log`;
      closeSync(openSync(file, 'w', 0o666));
      chownSync(file, otherUid, otherUid);
      expect(() => openLog(directory, 'sockref')).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_ADDRESS_IN_USE', uid: otherUid }),
      );
      rmSync(dirname(file), { recursive: true });
    }),
  );
});

describe('a log that cannot be made', () => {
  it('is an error with the failed call', () =>
    withDirectory((directory) => {
      closeSync(openSync(`${directory}/file`, 'w'));
      expect(() => openLog(`${directory}/file`, 'sockref', true)).toThrow(
        expect.objectContaining({ code: 'ERR_SOCKREF_SYSTEM', errno: 'ENOTDIR' }),
      );
      rmSync(`${directory}/file`);
      expect(() => openLog('/proc/sockref', 'sockref', true)).toThrow(
        expect.objectContaining({ name: 'SocketReferenceError' }),
      );
    }));
});

describe('output without a log', () => {
  it.each([
    ['a file without a name', undefined, undefined],
    ['a file that had a name for a moment, where there is no other', 'name', 0],
  ])('goes to %s, of which the end is kept', (_, name, flag) =>
    withDirectory((directory) => {
      const log = LogFile.nameless(directory, name, flag);
      onTestFinished(() => log.close());
      expect(readdirSync(directory)).toEqual([]);
      writeSync(log.fd, lines(10));
      log.mark();
      for (const first of [0, 2_000, 4_000]) {
        writeSync(log.fd, lines(2_000, first));
        log.limit();
        expect(statSync(`/proc/self/fd/${log.fd}`).size).toBeLessThan(maxNamelessBytes);
        expect(log.tail(200)).toBe(lines(2, first + 1_998).trim());
      }
      expect(readdirSync(directory)).toEqual([]);
    }),
  );
});

describe('the way to a log', () => {
  const home = (test: (home: string) => void) =>
    withDirectory((directory) => {
      mkdirSync(`${directory}/home`, 0o700);
      try {
        test(`${directory}/home`);
      } finally {
        rmSync(`${directory}/home`, { recursive: true, force: true });
      }
    });

  it('may contain links of this user', () =>
    home((path) => {
      mkdirSync(`${path}/disk`);
      symlinkSync('disk', `${path}/.local`);
      openLog(path, '.local/state/sockref').close();
      expect(readdirSync(`${path}/disk/state/sockref`)).toEqual(['db.log']);
    }));

  it('may contain directories that a group may write to, as a umask of 002 leaves them', () =>
    home((path) => {
      mkdirSync(`${path}/.local/state`, { recursive: true });
      chmodSync(`${path}/.local/state`, 0o775);
      openLog(path, '.local/state/sockref').close();
    }));

  it('is not created where there is no home', () =>
    home((path) => {
      expect(() => openLog(`${path}/none`)).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
      expect(readdirSync(path)).toEqual([]);
    }));

  it('is created below a requested directory', () =>
    home((path) => {
      openLog(`${path}/my/state`, 'sockref', true).close();
      expect(statSync(`${path}/my`).mode & 0o777).toBe(0o700);
    }));

  describe.runIf(isRoot)('of another user', () => {
    it.each([
      ['is not gone in their home', '', false],
      ['is not gone in a place of theirs that was asked for', '', true],
      ['is not made in a place of theirs that was asked for', '/my/state', true],
    ])('%s', (_, below, wanted) =>
      home((path) => {
        chownSync(path, otherUid, otherUid);
        expect(() => openLog(`${path}${below}`, '.local/state/sockref', wanted)).toThrow(
          expect.objectContaining({ code: 'ERR_SOCKREF_UNSAFE_DIRECTORY', reason: 'owner', uid: otherUid }),
        );
        expect(readdirSync(path)).toEqual([]);
      }),
    );

    it('may not contain links or directories of that user', () =>
      home((path) => {
        mkdirSync(`${path}/secret`, 0o700);
        symlinkSync('secret', `${path}/.local`);
        lchownSync(`${path}/.local`, otherUid, otherUid);
        expect(() => openLog(path, '.local')).toThrow(expect.objectContaining({ name: 'SocketReferenceError' }));
        mkdirSync(`${path}/theirs`);
        chownSync(`${path}/theirs`, otherUid, otherUid);
        expect(() => openLog(path, 'theirs/sockref')).toThrow(
          expect.objectContaining({ code: 'ERR_SOCKREF_UNSAFE_DIRECTORY' }),
        );
        expect(readdirSync(`${path}/secret`)).toEqual([]);
        expect(readdirSync(`${path}/theirs`)).toEqual([]);
      }));
  });
});
