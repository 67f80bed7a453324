import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertPathFits, joinPath, parsePath } from '#src/files/paths.js';
import { maxDataPathBytes } from '#src/files/platform.js';

// test/vectors/paths.json says where single paths lead; this holds for any path.

const reasons = /^(not-a-string|empty|blank|nul-byte|not-unicode|parent-segment|relative|no-file-name)$/;

describe('parsePath', () => {
  it('generates a new name each time without a path', () => {
    const names = Array.from({ length: 100 }, () => parsePath(undefined).name);
    expect(new Set(names).size).toBe(100);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}\.sock$/);
  });

  it('gives for any value a normalised path, or an error that names a rule', () => {
    const segment = fc.oneof(fc.constantFrom('.', '..', '', 'a', 'a..b', '\0', ' ', '\ud800'), fc.string());
    const value = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.array(segment).map((segments) => segments.join('/')),
    );
    fc.assert(
      fc.property(value, (input) => {
        let requested: ReturnType<typeof parsePath>;
        try {
          requested = parsePath(input);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SOCKREF_INVALID_PATH', reason: expect.stringMatching(reasons) });
          expect((error as Error).message).not.toMatch(/[\0\n]/);
          return;
        }
        expect(requested.name).not.toMatch(/^$|^\.{1,2}$|[/\0]/);
        if (requested.kind === 'name') return;
        const { directory, name } = requested;
        expect(`${directory}/`).toMatch(/^\//);
        if (directory !== '/') for (const part of directory.slice(1).split('/')) expect(part).not.toMatch(/^\.{0,2}$/);
        // The result leads to itself.
        expect(parsePath(joinPath(directory, name))).toEqual(requested);
      }),
    );
  });
});

it('joins a name to a directory, the root included', () => {
  expect(joinPath('/a', 'b')).toBe('/a/b');
  expect(joinPath('/', 'b')).toBe('/b');
});

it('counts bytes, not letters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 2 * maxDataPathBytes }), (text) => {
      const length = Buffer.byteLength(text);
      if (length <= maxDataPathBytes) assertPathFits(text);
      else {
        const expected = { code: 'ERR_SOCKREF_PATH_TOO_LONG', path: text, length, max: maxDataPathBytes };
        expect(() => assertPathFits(text)).toThrow(expect.objectContaining(expected));
      }
    }),
  );
});
