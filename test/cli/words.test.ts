import { describe, expect, it } from 'vitest';
import { asGiven, inWords, parseDuration, wrongDuration } from '#src/cli/duration.js';
import { described } from '#src/cli/failure.js';
import { wordsOf } from '#src/cli/run/words.js';
import { SocketReferenceError } from '#src/errors/error.js';

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

  it('is shown as it was given', () => {
    for (const text of ['4s', '4000ms', '90s', '120s', '1.5m']) expect(asGiven(parseDuration(text) ?? -1)).toBe(text);
    for (const [ms, text] of [
      [7_000, '7s'],
      [7_001, '7001ms'],
      [420_000, '7m'],
      [25_200_000, '7h'],
    ] as const) {
      expect(asGiven(ms)).toBe(text);
    }
  });

  it.each([
    ['0', 'above 0', 'above 0'],
    ['0s', 'above 0', 'above 0'],
    ['0', 'from 0', undefined],
    ['596h', 'above 0', undefined],
    ['597h', 'above 0', 'at most 596h'],
    ['5', 'above 0', 'a number with a unit: 500ms, 30s, 2m or 1h'],
  ] as const)('of %s, which has to be %s, must be %s', (text, least, expected) => {
    expect(wrongDuration(text, least)).toBe(expected);
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
      /waiting for b; pass a longer --timeout$/,
    ],
    [
      'ERR_SOCKREF_OWNER_LOST',
      { path: '/a', timeoutMs: 5 },
      'x; pass `serve`',
      /within 5ms; with --serve this process/,
    ],
    ['ERR_SOCKREF_SERVER_FAILED', { path: '/a' }, 'in 3000 ms (readyTimeoutMs); x', /^in 3s \(--ready-timeout\); x$/],
    ['ERR_SOCKREF_ADDRESS_IN_USE', { path: '/a' }, "x, pass reclaim: 'stale' or remove it", /^x, remove it$/],
    ['ERR_SOCKREF_PATH_TOO_LONG', { path: '/a' }, 'x, or y (activate: true)', /^x, or y \(--activate\)$/],
    ['ERR_SOCKREF_PROTOCOL', { path: '/a' }, 'as it is', /^as it is$/],
  ] as const)('%s names no option of the library', (code, details, message, expected) => {
    expect(described(new SocketReferenceError(code, message, details), 'run').message).toMatch(expected);
  });

  it('shows the end of what a server wrote', () => {
    const error = new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', 'x', { stderr: 'one\n\ttwo\n' });
    expect(described(error, 'run').lines).toEqual(['one', '\ttwo']);
    expect(
      described(new SocketReferenceError('ERR_SOCKREF_SERVER_FAILED', 'x', { stderr: ' \n' }), 'run').lines,
    ).toEqual([]);
  });

  it('that is a bug of ours says how to find its place', () => {
    expect(described(new TypeError('x'), 'run').message).toBe(
      'x (this should not happen; SOCKREF_DEBUG=1 shows where)',
    );
    expect(described('x', 'run').message).toMatch(/^x \(/);
  });

  it.each([
    ['run', /; give the server with --serve /],
    [
      'connect',
      /; start it first \(sockref run NAME --serve 'COMMAND \{socket\}' -- COMMAND\), or see what is there \(sockref ls\)$/,
    ],
    ['inspect', /; sockref ls shows what is there$/],
    ['stop', /; sockref ls shows what is there$/],
  ] as const)('that a socket is not served has advice that fits %s', (command, advice) => {
    const error = new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', 'x', { path: '/a/b.sock' });
    expect(described(error, command).message).toMatch(/^No process serves \/a\/b\.sock; /);
    expect(described(error, command).message).toMatch(advice);
  });

  it('of the system is one line that says what to do', () => {
    const refused = (errno: string, more: object = {}) =>
      described(Object.assign(new Error(`${errno}: no`), { code: errno, errno: -1, syscall: 'open', ...more }), 'run')
        .message;
    expect(refused('EMFILE')).toMatch(/^Cannot go on: open failed with EMFILE; .* raise `ulimit -n`$/);
    expect(refused('EACCES', { path: '/x\u009b' })).toMatch(
      /^Cannot use "\/x\\u009b": open failed with EACCES; grant /,
    );
    expect(refused('EIO')).toBe('Cannot go on: open failed with EIO; SOCKREF_DEBUG=1 shows where');
    expect(refused('ENOENT', { syscall: 'uv_cwd' })).toMatch(/^The working directory does not exist any more; /);
  });

  it.each([
    ['label', 'a string', '--label must be a string, and is 5'],
    ['server.readyTimeoutMs', 'a number', '--ready-timeout must be a number, and is 5'],
    ['SOCKREF_DIR', 'a path', 'as it is'],
  ])('of the option %s names what the command line calls it', (option, expected, message) => {
    const details = { option, expected, received: '5' };
    expect(described(new SocketReferenceError('ERR_SOCKREF_INVALID_OPTION', 'as it is', details), 'run').message).toBe(
      message,
    );
  });
});
