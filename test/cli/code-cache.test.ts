import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodeCache, codeCacheDirectory } from '#src/cli/code-cache.js';
import { bundled, cli, withServed } from '../helpers/cli.js';
import { withDirectory } from '../helpers/directory.js';
import { itAsRoot } from '../helpers/place.js';

/** Runs a test with a directory for caches, which need not end empty. */
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

  it('is nowhere if Node is not to have one, or there is no home', () =>
    withCache((home) => {
      expect(codeCacheDirectory({ HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' })).toBeUndefined();
      expect(codeCacheDirectory({})).toBeUndefined();
      expect(codeCacheDirectory({ HOME: '' })).toBeUndefined();
      expect(codeCacheDirectory({ HOME: join(home, 'missing') })).toBeUndefined();
    }));

  itAsRoot('is not in the home of somebody else, as under sudo', () =>
    withCache(async (home) => {
      const { chownSync } = await import('node:fs');
      chownSync(home, 65534, 65534);
      expect(codeCacheDirectory({ HOME: home })).toBeUndefined();
      expect(codeCacheDirectory({ XDG_CACHE_HOME: home, HOME: '/root' })).toBeUndefined();
      chownSync(home, 0, 0);
    }),
  );
});

describe('compiled code', () => {
  it('is kept for this user alone', () =>
    withCache((home) => {
      const directory = join(home, 'deep/sockref');
      const cache = new CodeCache(directory, 'a');
      expect(cache.read()).toBeUndefined();
      cache.write(Buffer.from('code'));
      expect(new CodeCache(directory, 'a').read()?.toString()).toBe('code');
      expect(new CodeCache(directory, 'b').read()).toBeUndefined();
      expect(readdirSync(directory)).toEqual(['a.code']);
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, 'a.code')).mode & 0o777).toBe(0o600);
    }));

  it('is neither taken from nor put where others can write', () =>
    withCache((home) => {
      const directory = join(home, 'sockref');
      mkdirSync(directory);
      chmodSync(directory, 0o777);
      writeFileSync(join(directory, 'a.code'), 'planted');
      const cache = new CodeCache(directory, 'a');
      expect(cache.read()).toBeUndefined();
      cache.write(Buffer.from('code'));
      expect(readFileSync(join(directory, 'a.code'), 'utf8')).toBe('planted');
    }));

  it('is done without where it cannot be kept', () =>
    withCache((home) => {
      writeFileSync(join(home, 'file'), '');
      const cache = new CodeCache(join(home, 'file/sockref'), 'a');
      cache.write(Buffer.from('code'));
      expect(cache.read()).toBeUndefined();
    }));

  it('that cannot be put in its place is not left beside it', () =>
    withCache((home) => {
      const directory = join(home, 'sockref');
      mkdirSync(join(directory, 'a.code/b'), { recursive: true, mode: 0o700 });
      new CodeCache(directory, 'a').write(Buffer.from('code'));
      expect(readdirSync(directory)).toEqual(['a.code']);
    }));

  it('of other versions goes when there is too much of it, and so does what was not finished', () =>
    withCache((home) => {
      const directory = join(home, 'sockref');
      mkdirSync(directory, { mode: 0o700 });
      for (let day = 1; day <= 9; day++) {
        const file = join(directory, day === 1 ? 'x.code.4711' : `${day}.code`);
        writeFileSync(file, '');
        utimesSync(file, day * 86_400, day * 86_400);
      }
      // Whoever else uses the directory is not asked to leave.
      writeFileSync(join(directory, 'notes'), '');
      utimesSync(join(directory, 'notes'), 0, 0);
      new CodeCache(directory, 'a').write(Buffer.from('code'));
      const kept = ['3.code', '4.code', '5.code', '6.code', '7.code', '8.code', '9.code', 'a.code', 'notes'];
      expect(readdirSync(directory).sort()).toEqual(kept);
    }));
});

describe('sockref, as a program', () => {
  it('keeps what was compiled for run, and uses it', () =>
    withCache((cache) =>
      withServed(async ({ env: home }) => {
        const env = { ...home, XDG_CACHE_HOME: cache };
        const run = ['run', 'a.sock', '--serve', 'false', '--', 'true'];
        const directory = join(cache, 'sockref');
        // Nothing else has to be quick.
        expect(await cli(['ls'], { env, program: bundled })).toMatchObject({ code: 0 });
        expect(existsSync(directory)).toBe(false);
        expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125 });
        const [file = ''] = readdirSync(directory);
        expect(file).toContain(process.version);
        const first = statSync(join(directory, file));
        expect(first.size).toBeGreaterThan(10_000);
        // It is taken as it is, not made anew.
        expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125 });
        expect(statSync(join(directory, file)).ino).toBe(first.ino);
        // What V8 does not take is replaced.
        writeFileSync(join(directory, file), 'what another V8 has made');
        expect(await cli(run, { env, program: bundled })).toMatchObject({ code: 125 });
        expect(statSync(join(directory, file)).size).toBeGreaterThan(10_000);
        expect(readdirSync(directory)).toEqual([file]);
      }),
    ));
});
