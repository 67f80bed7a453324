import { SocketReferenceError } from 'sockref';
import { describe, expect, it } from 'vitest';
import { quote } from '#src/errors/error.js';
import { printable, printableJson } from '#src/printable.js';

/** Each with its escape. */
const hidden: readonly [letter: string, escaped: string][] = [
  ['\u001b', '\\u001b'],
  ['\u009b', '\\u009b'],
  ['\u202e', '\\u202e'],
  ['\u2066', '\\u2066'],
  ['\u2028', '\\u2028'],
  ['\u007f', '\\u007f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\u{e0041}', '\\udb40\\udc41'],
];

describe('a text for a terminal', () => {
  it.each(hidden)('has an escape for %j', (letter, escaped) => {
    expect(printable(`a${letter}b`)).toBe(`a${escaped}b`);
  });

  it('keeps everything else', () => {
    for (const text of ['', 'plain', 'naïve café', '日本語 \u{1f600}', 'a\tb', '\\u001b'])
      expect(printable(text)).toBe(text);
  });

  it.each(hidden)('stays JSON of the same value with %j', (letter) => {
    const value = { [`key${letter}`]: [`a${letter}b`] };
    const json = printableJson(JSON.stringify(value, null, 2));
    expect(JSON.parse(json)).toEqual(value);
    expect(json.replaceAll('\n', '')).toBe(printable(json.replaceAll('\n', '')));
  });
});

describe('a message of an error', () => {
  it.each(hidden)('is one line with an escape for %j in a path', (letter, escaped) => {
    const error = new SocketReferenceError('ERR_SOCKREF_NOT_SERVED', `No process serves /tmp/a${letter}b`);
    expect(error.message).toBe(`No process serves /tmp/a${escaped}b`);
    expect(error.stack?.split('\n')[0]).toContain(error.message);
  });

  it('shows a foreign value escaped, and cut within its quotes', () => {
    expect(quote('a\u009b\u202e\u001b\nb')).toBe('"a\\u009b\\u202e\\u001b\\nb"');
    expect(quote('x'.repeat(200))).toBe(`"${'x'.repeat(119)}…"`);
    expect(quote(10n ** 200n)).toBe(`1${'0'.repeat(119)}…`);
  });
});
