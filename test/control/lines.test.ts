import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '#src/control/lines.js';
import { MalformedMessage, parseToMember, parseToOwner } from '#src/control/messages.js';
import { maxMessageBytes } from '#src/protocol/constants.js';

/** The result of a stream: its lines, and the error that ended it. */
interface Outcome {
  readonly lines: readonly string[];
  readonly error: string | undefined;
}

function split(chunks: readonly Uint8Array[]): Outcome {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  try {
    for (const chunk of chunks) {
      const bytes = Buffer.from(chunk);
      splitter.push(bytes, (line) => {
        lines.push(line);
        return true;
      });
      // A socket reuses its buffer for the next chunk, so the splitter must not keep it.
      bytes.fill(0x78);
    }
    return { lines, error: undefined };
  } catch (error) {
    return { lines, error: (error as Error).name };
  }
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Streams with many newlines, many characters of several bytes, and sometimes a byte that is not UTF-8. */
const stream = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => Buffer.from(text)),
      fc.constantFrom(Buffer.from('\n'), Buffer.from('\n'), Buffer.from('é'), Buffer.from('😀'), Buffer.from([0xff])),
      fc.uint8Array({ maxLength: 5 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts));

describe('LineSplitter', () => {
  test('gives the same lines for every division into chunks', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 200 }), (bytes, places) => {
        expect(split(cut(bytes, places))).toEqual(split([bytes]));
      }),
    );
  });

  test('gives the lines, and keeps the unfinished one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !line.includes('\n'))),
        fc.string(),
        (lines, rest) => {
          const bytes = Buffer.from([...lines, rest.replaceAll('\n', '')].join('\n'));
          const whole = lines.map((line) => Buffer.from(line).toString());
          expect(split([bytes])).toEqual({ lines: whole, error: undefined });
          expect(split([...bytes].map((byte) => Uint8Array.of(byte))).lines).toEqual(whole);
        },
      ),
    );
  });

  test.each([
    ['at the limit', maxMessageBytes, undefined],
    ['one byte above the limit', maxMessageBytes + 1, 'RangeError'],
  ] as const)('a line %s', (_, length, error) => {
    const bytes = Buffer.alloc(length + 1, 'x').fill('\n', length);
    for (const places of [[], [1], [length], [length - 1, length], [7, 70, 700, 7000]]) {
      const outcome = split(cut(bytes, places));
      expect(outcome.error).toBe(error);
      expect(outcome.lines.map((line) => line.length)).toEqual(error ? [] : [length]);
    }
  });

  test('a line without an end fails at the limit, in pieces of any size', () => {
    const splitter = new LineSplitter();
    let taken = 0;
    expect(() => {
      for (; taken < 2 * maxMessageBytes; taken++) splitter.push(Buffer.from('x'), () => true);
    }).toThrow(RangeError);
    expect(taken).toBe(maxMessageBytes);
  });

  test('stops in the middle of a chunk on request', () => {
    const lines: string[] = [];
    new LineSplitter().push(Buffer.from('a\nb\nc\n'), (line) => lines.push(line) < 2);
    expect(lines).toEqual(['a', 'b']);
  });

  test('a character with a newline inside is not UTF-8', () => {
    expect(split([Buffer.from([0xc3, 0x0a, 0xa9, 0x0a])]).error).toBe('TypeError');
  });
});

describe('messages', () => {
  const values: unknown[] = [-1, 0, 1, 1.5, 2 ** 53, '1', '', null, true, [], {}, 'x'.repeat(201), { __proto__: 1 }];
  const fields = ['v', 'pid', 'references', 'canServe', 'label', 'thread', 'n', 'force', 'total', 'members', 'yours'];
  const types = [
    'hello',
    'references',
    'bye',
    'who',
    'stop',
    'welcome',
    'ready',
    'failed',
    'count',
    'holders',
    'stopping',
  ];

  test('any text is either understood or malformed, and no other error is thrown', () => {
    const message = fc.array(fc.oneof(fc.constantFrom(...values), fc.string()), {
      minLength: fields.length,
      maxLength: fields.length,
    });
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.subarray(fields), message, (type, present, filling) => {
        const entries = present.map((field) => [field, filling[fields.indexOf(field)]] as const);
        const line = JSON.stringify({ type, ...Object.fromEntries(entries) });
        for (const parse of [parseToOwner, parseToMember]) {
          try {
            const understood = parse(line) as Record<string, unknown>;
            expect(understood['type']).toBe(type);
            for (const count of ['n', 'total', 'members', 'yours']) {
              if (count in understood)
                expect(understood[count]).toSatisfy((n: number) => Number.isSafeInteger(n) && n >= 0);
            }
          } catch (error) {
            if (!(error instanceof MalformedMessage)) throw error;
          }
        }
      }),
    );
  });

  test('text that is not a message is malformed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        expect(() => parseToOwner(line)).toThrow(MalformedMessage);
        expect(() => parseToMember(line)).toThrow(MalformedMessage);
      }),
    );
  });
});
