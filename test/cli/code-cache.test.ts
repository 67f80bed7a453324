import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodeCache, codeCacheDirectory } from '#src/cli/code-cache.js';
import { bundled, cli, withServed } from '../helpers/cli.js';
import { withDirectory } from '../helpers/directory.js';
import { itAsRoot } from '../helpers/place.js';

/** Runs a test with a directory for caches, which need not be empty at the end. */
const withCache = (test: (home: string) => void | Promise<void>): Promise<void> =>
  withDirectory(async (home) => {
    try {
      await test(home);
    } finally {
      for (const name of readdirSync(home)) await rm(join(home, name), { recursive: true });
    }
  });

describe('the place of compiled code', () => {
  it('is the cache of the user', () =>
    withCache((home) => {
      const cache = join(home, 'cache');
      mkdirSync(cache);
      expect(codeCacheDirectory({ XDG_CACHE_HOME: cache, HOME: home })).toBe(join(cache, 'sockref'));
      expect(codeCacheDirectory({ HOME: home })).toBe(join(home, '.cache/sockref'));
      expect(codeCacheDirectory({ XDG_CACHE_HOME: 'relative', HOME: home })).toBe(join(home, '.cache/sockref'));
    }));

  it('is created in a cache that does not exist yet, below a directory of this user alone', () =>
    withCache((home) => {
      const cache = join(home, 'a/cache');
      const directory = codeCacheDirectory({ XDG_CACHE_HOME: cache, HOME: home });
      expect(directory).toBe(join(cache, 'sockref'));
      new CodeCache(join(cache, 'sockref'), 'a', 'k').write(Buffer.from('code'));
      expect(readdirSync(cache)).toEqual(['sockref']);
      for (const made of [join(home, 'a'), cache, join(cache, 'sockref')])
        expect(statSync(made).mode & 0o777).toBe(0o700);
      chmodSync(home, 0o777);
      expect(codeCacheDirectory({ XDG_CACHE_HOME: join(home, 'b/cache'), HOME: home })).toBeUndefined();
      chmodSync(home, 0o700);
    }));

  it('is undefined if Node must not keep code, or there is no home', () =>
    withCache((home) => {
      expect(codeCacheDirectory({ HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' })).toBeUndefined();
      expect(codeCacheDirectory({})).toBeUndefined();
      expect(codeCacheDirectory({ HOME: '' })).toBeUndefined();
      expect(codeCacheDirectory({ HOME: join(home, 'missing') })).toBeUndefined();
    }));

  itAsRoot('is not in the home of another user, as under sudo', () =>
    withCache(async (home) => {
      const { chownSync } = await import('node:fs');
      chownSync(home, 65534, 65534);
      expect(codeCacheDirectory({ HOME: home })).toBeUndefined();
      expect(codeCacheDirectory({ XDG_CACHE_HOME: home, HOME: '/root' })).toBeUndefined();
      chownSync(home, 0, 0);
    }),
  );
});

/** The name of the file of the code `a` with the key `k`. */
async function fileOfA(): Promise<string> {
  let name = '';
  await withCache((home) => {
    new CodeCache(join(home, 'sockref'), 'a', 'k').write(Buffer.from('code'));
    [name = ''] = readdirSync(join(home, 'sockref'));
  });
  return name;
}

describe('compiled code', () => {
  it('is kept for this user alone', () =>
    withCache((home) => {
      const directory = join(home, 'deep/sockref');
      const cache = new CodeCache(directory, 'a', 'k');
      expect(cache.read()).toBeUndefined();
      cache.write(Buffer.from('code'));
      expect(new CodeCache(directory, 'a', 'k').read()?.toString()).toBe('code');
      expect(new CodeCache(directory, 'b', 'k').read()).toBeUndefined();
      const [file = '', ...more] = readdirSync(directory);
      expect(more).toEqual([]);
      expect(file).toMatch(/^a-[0-9a-f]{8}\.code$/);
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
    }));

  it('is neither read from nor written to a place where others can write', () =>
    withCache(async (home) => {
      const file = await fileOfA();
      const directory = join(home, 'sockref');
      mkdirSync(directory);
      chmodSync(directory, 0o777);
      writeFileSync(join(directory, file), 'planted');
      const cache = new CodeCache(directory, 'a', 'k');
      expect(cache.read()).toBeUndefined();
      cache.write(Buffer.from('code'));
      expect(readFileSync(join(directory, file), 'utf8')).toBe('planted');
    }));

  it('is not needed where it cannot be kept', () =>
    withCache((home) => {
      writeFileSync(join(home, 'file'), '');
      const cache = new CodeCache(join(home, 'file/sockref'), 'a', 'k');
      cache.write(Buffer.from('code'));
      expect(cache.read()).toBeUndefined();
    }));

  it('that cannot be renamed to its place is not left beside it', () =>
    withCache(async (home) => {
      const file = await fileOfA();
      const directory = join(home, 'sockref');
      mkdirSync(join(directory, file, 'b'), { recursive: true, mode: 0o700 });
      new CodeCache(directory, 'a', 'k').write(Buffer.from('code'));
      expect(readdirSync(directory)).toEqual([file]);
    }));

  it('is used only if it is unchanged, and removed otherwise', () =>
    withCache((home) => {
      const directory = join(home, 'sockref');
      const code = Buffer.from(Array.from({ length: 1_003 }, (_, index) => index % 251));
      const cache = new CodeCache(directory, 'a', 'k');
      cache.write(code);
      const [name = ''] = readdirSync(directory);
      const file = join(directory, name);
      const whole = readFileSync(file);
      const isTaken = (bytes: Buffer): boolean => {
        writeFileSync(file, bytes);
        const taken = cache.read();
        expect(existsSync(file)).toBe(taken !== undefined);
        return taken !== undefined;
      };
      expect(isTaken(whole)).toBe(true);
      expect(cache.read()).toEqual(code);
      for (let at = 0; at < whole.length; at++) {
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        expect(isTaken(flipped)).toBe(false);
        expect(isTaken(whole.subarray(0, at))).toBe(false);
      }
      expect(isTaken(Buffer.concat([whole, whole]))).toBe(false);
      expect(isTaken(Buffer.alloc(whole.length))).toBe(false);
    }));

  it('of one installation is not that of another', () =>
    withCache((home) => {
      const directory = join(home, 'sockref');
      for (const key of ['/one', '/two']) new CodeCache(directory, 'a', key).write(Buffer.from(key));
      for (const key of ['/one', '/two']) expect(new CodeCache(directory, 'a', key).read()?.toString()).toBe(key);
      // Not even if it is moved to its place.
      const [one = '', two = ''] = readdirSync(directory).map((name) => join(directory, name));
      writeFileSync(one, readFileSync(two));
      expect(['/one', '/two'].map((key) => new CodeCache(directory, 'a', key).read()).filter(Boolean)).toHaveLength(1);
    }));

  it('of other versions is removed when there is too much of it, and so are unfinished files', () =>
    withCache(async (home) => {
      const newest = await fileOfA();
      const directory = join(home, 'sockref');
      mkdirSync(directory, { mode: 0o700 });
      for (let day = 1; day <= 33; day++) {
        const file = join(directory, day === 1 ? 'x.code.4711' : `${day}.code`);
        writeFileSync(file, '');
        utimesSync(file, day * 86_400, day * 86_400);
      }
      // Files of other programs in the directory stay.
      writeFileSync(join(directory, 'notes'), '');
      utimesSync(join(directory, 'notes'), 0, 0);
      new CodeCache(directory, 'a', 'k').write(Buffer.from('code'));
      const kept = Array.from({ length: 31 }, (_, index) => `${index + 3}.code`);
      expect(readdirSync(directory).sort()).toEqual([...kept, newest, 'notes'].sort());
    }));
});

describe('sockref, as a program', () => {
  it('keeps compiled code for each installation, whose files a trace names', () =>
    withCache(async (home) => {
      mkdirSync(join(home, 'cache'));
      const env = { XDG_CACHE_HOME: join(home, 'cache') };
      for (const round of [1, 2]) {
        for (const place of ['one', 'two']) {
          if (round === 1) cpSync(dirname(bundled), join(home, place), { recursive: true });
          expect(await cli(['run'], { env, program: join(home, place, 'sockref.cjs') })).toMatchObject({ code: 125 });
        }
      }
      expect(readdirSync(join(home, 'cache/sockref'))).toHaveLength(2);
    }));

  it('keeps the code that was compiled for run, and uses it', () =>
    withCache((cache) =>
      withServed(async ({ env: home }) => {
        const env = { ...home, XDG_CACHE_HOME: cache };
        const run = ['run', 'a.sock', '--serve', 'false', '--', 'true'];
        const directory = join(cache, 'sockref');
        // Only `run` must start fast.
        expect(await cli(['ls'], { env, program: bundled })).toMatchObject({ code: 0 });
        expect(existsSync(directory)).toBe(false);
        expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125 });
        const [file = ''] = readdirSync(directory);
        expect(file).toContain(process.version);
        const first = statSync(join(directory, file));
        expect(first.size).toBeGreaterThan(10_000);
        // The kept code is used, not compiled again.
        expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125 });
        expect(statSync(join(directory, file)).ino).toBe(first.ino);
        // Damaged code is replaced, and so is code that V8 refuses.
        const whole = readFileSync(join(directory, file));

        for (const part of [0.01, 0.3, 0.6, 0.9]) {
          const at = Math.floor(whole.length * part);
          const damaged = Buffer.from(whole);
          damaged.fill(0xff, at, at + 64);
          writeFileSync(join(directory, file), damaged);
          expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125, signal: null });
          expect(readFileSync(join(directory, file)).equals(damaged)).toBe(false);
          expect(statSync(join(directory, file)).size).toBeGreaterThan(10_000);
          expect(readdirSync(directory)).toEqual([file]);
        }
      }),
    ));
});
