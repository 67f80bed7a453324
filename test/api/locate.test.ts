import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isMissing, KnownDefault, locate, openPlace } from '#src/api/locate.js';
import { withDirectory } from '../helpers/directory.js';
import { thrownBy } from '../helpers/place.js';

afterEach(() => {
  delete process.env['SOCKREF_DIR'];
});

/** With a default directory, which need not exist. */
function withDefault(test: (directory: string) => void): Promise<void> {
  return withDirectory((directory) => {
    const sockets = join(directory, 'sockets');
    process.env['SOCKREF_DIR'] = sockets;
    test(sockets);
    rmSync(sockets, { recursive: true, force: true });
  });
}

describe('a location', () => {
  it('of a bare name is in the default directory, which is created only on request', () =>
    withDefault((directory) => {
      const missing = thrownBy(() => locate('a', false, undefined));
      expect(missing).toMatchObject({ path: join(directory, 'a') });
      expect(isMissing(missing)).toBe(true);
      const expected = { path: join(directory, 'a'), directory, name: 'a', isDefault: true };
      expect(locate('a', true, undefined)).toEqual(expected);
      expect(locate('a', false, undefined)).toEqual(expected);
      openPlace(expected).directory.release();
    }));

  it('is canonical', () =>
    withDirectory((directory) => {
      mkdirSync(join(directory, 'real'));
      symlinkSync('real', join(directory, 'link'));
      const { path, isDefault } = locate(join(directory, 'link/../link/a'), false, undefined);
      expect({ path, isDefault }).toEqual({ path: join(directory, 'real/a'), isDefault: false });
      rmSync(join(directory, 'link'));
      rmSync(join(directory, 'real'), { recursive: true });
    }));

  it('must be in an allowed directory or below, and a missing directory contains nothing', () =>
    withDirectory((directory) => {
      const path = join(directory, 'a');
      for (const allowed of [['/'], [directory], ['/none', join(directory, '..')]]) {
        expect(locate(path, false, allowed)).toMatchObject({ path });
      }
      for (const allowed of [[], ['/none'], [directory.slice(0, -1)], [join(directory, 'below')]]) {
        expect(thrownBy(() => locate(path, false, allowed))).toMatchObject({
          code: 'ERR_SOCKREF_INVALID_PATH',
          message: expect.stringContaining('allowedDirectories'),
        });
      }
    }));

  it('that can no longer be opened names the socket in its error', () =>
    withDirectory((directory) => {
      const gone = { path: join(directory, 'none/a'), directory: join(directory, 'none'), name: 'a', isDefault: false };
      expect(thrownBy(() => openPlace(gone))).toMatchObject({ path: gone.path });
    }));
});

describe('the known default directory', () => {
  it('is that of the last located name, as long as the environment is the same', () =>
    withDefault((directory) => {
      const known = new KnownDefault();
      expect(known.pathOf('a')).toBeUndefined();
      const location = locate('a', true, undefined);
      known.learn({ ...location, isDefault: false });
      expect(known.pathOf('a')).toBeUndefined();
      known.learn(location);
      expect(known.pathOf('b')).toBe(join(directory, 'b'));
      for (const other of ['/b', './b', 5, undefined, null]) expect(known.pathOf(other)).toBeUndefined();
      process.env['SOCKREF_DIR'] = `${directory}-2`;
      expect(known.pathOf('b')).toBeUndefined();
      process.env['SOCKREF_DIR'] = 'not/absolute';
      expect(known.pathOf('b')).toBeUndefined();
    }));
});
