import { chmodSync, lstatSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityOf } from '#src/files/identity.js';
import { restoreMode } from '#src/files/mode.js';
import { withDirectory } from '../helpers/directory.js';
import { make } from '../helpers/tree.js';

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;
const identityAt = (path: string) => identityOf(lstatSync(path, { bigint: true }));

describe('restoreMode', () => {
  it('restores the mode of a socket, even if no user may open it', () =>
    withDirectory(async (directory) => {
      const path = join(directory, 'a');
      await make({ socket: path });
      for (const mode of [0o777, 0o000]) {
        chmodSync(path, mode);
        restoreMode(path, identityAt(path), 0o640);
        expect(modeOf(path)).toBe(0o640);
      }
      unlinkSync(path);
    }));

  it('does not touch another file that has the path by now, or the target of a link', () =>
    withDirectory(async (directory) => {
      const [path, other] = [join(directory, 'a'), join(directory, 'b')];
      await make({ socket: path });
      const file = identityAt(path);
      writeFileSync(other, '', { mode: 0o644 });
      renameSync(other, path);
      restoreMode(path, file, 0o600);
      expect(modeOf(path)).toBe(0o644);
      renameSync(path, other);
      symlinkSync(other, path);
      restoreMode(path, identityAt(other), 0o600);
      expect(modeOf(other)).toBe(0o644);
      for (const each of [path, other]) unlinkSync(each);
    }));
});
