import { describe, expect, it } from 'vitest';
import { inWords, parseDuration } from '#src/cli/duration.js';
import { described } from '#src/cli/failure.js';
import { wordsOf } from '#src/cli/run/words.js';
import { safe } from '#src/cli/safe.js';
import { SocketReferenceError } from '#src/errors.js';

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('can be %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-1s', '1 s', '1d', '1e3s', '.5s', '0x1s', 'Infinitys', '30S'])('cannot be %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [61_000, '1m 1s'],
    [3_600_000, '1h'],
    [3_660_000, '1h 1m'],
    [90_000_000, '1d 1h'],
  ])('of %d ms is %s in words', (ms, text) => {
    expect(inWords(ms)).toBe(text);
  });
});

describe('a command of --serve', () => {
  it.each([
    ['a b  c', ['a', 'b', 'c']],
    [`a 'b c' "d e" f\\ g ''`, ['a', 'b c', 'd e', 'f g', '']],
    ['a $HOME * # ~ | ;', ['a', '$HOME', '*', '#', '~', '|', ';']],
  ])('is split: %s', (text, words) => {
    expect(wordsOf(text, false, 'it')).toEqual(words);
    expect(wordsOf(text, true, 'it')).toEqual(['sh', '-c', text]);
  });

  it.each(['a "b', "a 'b", 'a \\', ''])('cannot be %j', (text) => {
    expect(() => wordsOf(text, false, 'the command')).toThrow(/^the command (cannot be split into words|is empty)/);
  });
});

describe('an error', () => {
  it.each([
    [
      'ERR_SOCKREF_TIMEOUT',
      { path: '/a', timeoutMs: 5, waitingFor: 'b' },
      'x; pass timeoutMs',
      /waiting for b; --timeout /,
    ],
    [
      'ERR_SOCKREF_OWNER_LOST',
      { path: '/a', timeoutMs: 5 },
      'x; pass `serve`',
      /within 5 ms; with --serve this process/,
    ],
    ['ERR_SOCKREF_SERVER_FAILED', { path: '/a' }, 'in 5 ms (readyTimeoutMs); x', /^in 5 ms \(--ready-timeout\); x$/],
    ['ERR_SOCKREF_ADDRESS_IN_USE', { path: '/a' }, "x, pass reclaim: 'stale' or remove it", /^x, remove it$/],
    ['ERR_SOCKREF_PROTOCOL', { path: '/a' }, 'as it is', /^as it is$/],
  ] as const)('%s names no option of the library', (code, details, message, expected) => {
    expect(described(new SocketReferenceError(code, message, details)).message).toMatch(expected);
  });

  it('shows the end of what a server wrote', () => {
    const error = new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', 'x', { stderr: 'one\n\ttwo\n' });
    expect(described(error).lines).toEqual(['one', '\ttwo']);
    expect(described(new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', 'x', { stderr: ' \n' })).lines).toEqual([]);
  });

  it('that is a mistake of ours says how to see where', () => {
    expect(described(new TypeError('x')).message).toBe('x (this should not happen; SOCKREF_DEBUG=1 shows where)');
    expect(described('x').message).toMatch(/^x \(/);
  });

  it('is shown without what a terminal obeys', () => {
    expect(safe('\ta\u001b[2J\n\u202eb')).toBe('\ta\uFFFD[2J\uFFFD\uFFFDb');
  });
});
