import { fstatSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LockFile } from '#src/files/lock-file.js';
import { ownStart } from '#src/files/platform.js';
import { looksLikeRecord, type RecordEntry } from '#src/files/record.js';
import { maxRecordBytes, protocolVersion, recordMagic } from '#src/protocol/constants.js';
import { withDirectory } from '../helpers/directory.js';
import { takeLock, thrownBy, withPlace } from '../helpers/place.js';
import { start } from '../helpers/program.js';
import { onSmallDisk } from '../helpers/small-disk.js';

// test/vectors/records.json says what a text means; this tests what is written.

const digits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const entry: fc.Arbitrary<RecordEntry> = fc.oneof(
  fc.record({ temporary: fc.stringMatching(/^\.sr-[0-9a-f]{16}$/) }),
  fc.record({
    published: fc.record({
      name: fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => !/^\.{1,2}$|[/\0]/.test(name)),
      file: fc.record({ dev: digits, ino: digits, birth: digits }),
    }),
  }),
);

/** Runs a test with a held lock file. */
function withLock(test: (lock: LockFile, path: string) => void): Promise<void> {
  return withPlace((place) => {
    const lock = takeLock(place);
    try {
      test(lock, `${place.path}.lock`);
    } finally {
      lock.remove();
    }
  });
}

function namedBy(entries: readonly RecordEntry[]) {
  return {
    published: entries.flatMap((each) => ('published' in each ? [each.published] : [])),
    temporaries: entries.flatMap((each) => ('temporary' in each ? [each.temporary] : [])),
  };
}

it('names its writer, in place of the old text', () =>
  withLock((lock, path) => {
    writeFileSync(path, '{"sockref":1,"pid":99,"since":1}\n{"temporary":".sr-0123456789abcdef"}\n'.repeat(50));
    const before = Date.now();
    lock.begin();
    const record = lock.record();
    expect(record).toEqual({
      version: protocolVersion,
      pid: process.pid,
      start: ownStart,
      since: expect.any(Number),
      published: [],
      temporaries: [],
      servers: [],
      stopping: false,
    });
    expect(record?.since).toBeGreaterThanOrEqual(before);
    expect(record?.since).toBeLessThanOrEqual(Date.now());
    expect(readFileSync(path, 'utf8')).toMatch(/^[^\n]+\n$/);
    expect(looksLikeRecord(readFileSync(path, 'utf8'))).toBe(true);
  }));

it('is read as it was written; torn at any byte, it has the whole lines before that', () =>
  withLock((lock, path) => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), (entries) => {
        lock.begin();
        const ends = [fstatSync(lock.fd).size];
        for (const each of entries) {
          lock.append(each);
          ends.push(fstatSync(lock.fd).size);
        }
        expect(lock.record()).toMatchObject(namedBy(entries));
        for (let size = fstatSync(lock.fd).size - 1; size >= 0; size--) {
          truncateSync(path, size);
          const whole = ends.filter((end) => end <= size).length;
          if (whole === 0) expect(lock.record()).toBeUndefined();
          else expect(lock.record()).toMatchObject(namedBy(entries.slice(0, whole - 1)));
        }
      }),
      { numRuns: 20 },
    );
  }));

it('removes a line that the disk accepted only in part, so that the next one is understood', () =>
  withDirectory(async (directory) => {
    const program = await start('full-record.mjs', { under: onSmallDisk(directory, 16_384), args: [directory] });
    const { partial, before, after, temporaries, last } = await program.line();
    // Otherwise the test would prove nothing.
    expect(partial).toBe(true);
    expect(after).toBe(before);
    expect(temporaries.at(-1)).toBe(last);
    await program.exited;
  }));

it('refuses to grow beyond its limit, and stays unchanged', () =>
  withLock((lock, path) => {
    lock.begin();
    const line = { temporary: '.sr-0123456789abcdef' };
    const error = thrownBy(() => {
      for (;;) lock.append(line);
    });
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', limit: 'recordBytes', max: maxRecordBytes });
    const { size } = fstatSync(lock.fd);
    expect(size).toBeLessThanOrEqual(maxRecordBytes);
    expect(size).toBeGreaterThan(maxRecordBytes - 100);
    expect(readFileSync(path, 'utf8')).toMatch(/\n$/);
    expect(lock.record()?.temporaries.length).toBeGreaterThan(1000);
    // A new record can be begun.
    lock.begin();
    lock.append(line);
    expect(lock.record()?.temporaries).toEqual([line.temporary]);
  }));

it('is recognised by its first bytes, even by a few', () => {
  for (let length = 0; length <= recordMagic.length; length++) {
    expect(looksLikeRecord(recordMagic.slice(0, length))).toBe(true);
    if (length > 0) expect(looksLikeRecord(`${recordMagic.slice(0, length - 1)}!`)).toBe(false);
  }
});
