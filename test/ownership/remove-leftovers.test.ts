import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { LockFile } from '#src/files/lock-file.js';
import { removeLeftovers, removeLeftoversUnder } from '#src/ownership/remove-leftovers.js';
import { takeLock, withPlace } from '../helpers/place.js';

describe('removing leftovers', () => {
  it('does nothing where there are none', () => withPlace((place) => removeLeftovers(place, process.pid)));

  it('removes what a dead owner left, the lock file, too', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      lock.release();
      expect(existsSync(`${place.path}.lock`)).toBe(true);
      await removeLeftovers(place, process.pid);
    }));

  it('leaves the lock of another process alone, at once', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      await removeLeftovers(place, process.pid + 1);
      expect(lock.check()).toBe('linked');
      lock.remove();
      lock.release();
    }));

  it('leaves a lock alone whose holder has not written its record yet', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      await removeLeftovers(place, process.pid);
      expect(lock.check()).toBe('linked');
      lock.remove();
      lock.release();
    }));

  it('waits for an owner that is dying', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      const swept = removeLeftovers(place, process.pid);
      // The first attempt was made in this tick, in vain.
      lock.release();
      await swept;
      expect(readdirSync(place.directory.path)).toEqual([]);
    }));

  it('leaves a later life of the same process alone', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      lock.begin();
      const attempts = vi.spyOn(LockFile, 'attempt');
      const swept = removeLeftovers(place, process.pid);
      const at = `${place.path}.lock`;
      const record = JSON.parse(readFileSync(at, 'utf8'));
      writeFileSync(at, `${JSON.stringify({ ...record, since: record.since + 1 })}\n`);
      await swept;
      // One for the first life, and one for the second.
      expect(attempts).toHaveBeenCalledTimes(2);
      attempts.mockRestore();
      expect(lock.check()).toBe('linked');
      lock.remove();
      lock.release();
    }));

  it('releases the lock when it fails, and keeps the file', () =>
    withPlace(async (place) => {
      const lock = takeLock(place);
      writeFileSync(`${place.path}.lock`, '{"sockref":9,"pid":1,"since":1}\n');
      await expect(removeLeftoversUnder(lock)).rejects.toThrow('version');
      expect(existsSync(`${place.path}.lock`)).toBe(true);
      const again = takeLock(place);
      again.remove();
      again.release();
    }));
});
