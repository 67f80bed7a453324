import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { split } from 'shlex';
import { describe, expect, it } from 'vitest';
import { shellCommand, shownCommand } from '#src/shell-words.js';

const word = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^[-\w ='"\\$`!*?#~{},;&|<>()[\]^%@+:./]*$/),
  fc.string({ unit: fc.constantFrom(..."\n\r\t\u001b\u0000\u007f\u009b\u202e\u2028'\\$ ax0") }),
  fc.constantFrom('', ' ', '{socket}', '{dir}/x', '{a,b}', "it's", 'A=b', '--save', '$HOME', '\\', "\n'\\"),
);
const command = fc.tuple(fc.stringMatching(/^[a-z]+$/), fc.array(word)).map(([program, rest]) => [program, ...rest]);

describe('a command as text', () => {
  it('is unquoted where it needs no quotes', () => {
    expect(shellCommand(['redis-server', '--port', '0', '--unixsocket', '{socket}', '--save', ''])).toBe(
      "redis-server --port 0 --unixsocket {socket} --save ''",
    );
    expect(shellCommand(['sh', '-c', "echo it's"])).toBe("sh -c 'echo it'\\''s'");
    expect(shellCommand(['A=b', 'A=b'])).toBe("'A=b' A=b");
    expect(shellCommand(['x', 'a\nb\u009b'])).toBe("x $'a\\nb\\u009b'");
  });

  it('is split into the same words behind --serve', () => {
    fc.assert(fc.property(command, (words) => void expect(split(shellCommand(words))).toEqual(words)));
  });

  it('is one line without anything that a terminal obeys', () => {
    fc.assert(
      fc.property(command, (words) => void expect(shellCommand(words)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)),
    );
  });

  it('means the same words to a shell', () => {
    const plain = fc.array(fc.stringMatching(/^[ -~]*$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(plain, (words) => {
        const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${shellCommand(['x', ...words])}`], {
          encoding: 'utf8',
        });
        expect(printed.split('\0').slice(1, -1)).toEqual(words);
      }),
      { numRuns: 20 },
    );
  });

  it('is shortened in a message', () => {
    expect(shownCommand(['x'.repeat(200)])).toBe(`${'x'.repeat(120)}…`);
    expect(shownCommand(['true'])).toBe('true');
  });
});
