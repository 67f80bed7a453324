import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withExample } from '../helpers/example.js';
import { isRoot, otherUid } from '../helpers/place.js';

it('postgres: the database runs while psql runs, and its data stays', () =>
  withExample(
    'postgres',
    async (example) => {
      for (const visits of [1, 2]) {
        const { code, stdout, stderr } = await example.script('start');
        expect(stderr).toBe('');
        expect(stdout).toBe(`visits so far: ${visits}\n`);
        expect(code).toBe(0);
      }
      // After a regular end it removes its own file.
      expect(existsSync(join(example.folder, 'data/postmaster.pid'))).toBe(false);
    },
    isRoot ? otherUid : undefined,
  ));
