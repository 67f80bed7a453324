import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '#src/control/lines.js';
import { MalformedMessage, parseToMember, parseToOwner } from '#src/control/messages.js';
import { maxMessageBytes } from '#src/protocol/constants.js';

interface MessageCase {
  readonly to: 'owner' | 'member';
  readonly name: string;
  readonly line: string;
  readonly verdict: { readonly message?: unknown; readonly malformed?: true; readonly theirs?: number };
}

interface LinesCase {
  readonly name: string;
  readonly chunks: readonly string[];
  readonly lines: readonly string[];
  readonly error?: true;
}

interface LengthCase {
  readonly name: string;
  readonly byte: string;
  readonly sizes: readonly number[];
  readonly end: boolean;
  readonly verdict: 'line' | 'nothing' | 'error';
}

const { maxBytes, messages, lines, lengths } = JSON.parse(
  readFileSync(new URL('./messages.json', import.meta.url), 'utf8'),
) as {
  readonly maxBytes: number;
  readonly messages: readonly MessageCase[];
  readonly lines: readonly LinesCase[];
  readonly lengths: readonly LengthCase[];
};

function split(chunks: readonly Buffer[]): { readonly lines: string[]; readonly error: unknown } {
  const splitter = new LineSplitter();
  const found: string[] = [];
  try {
    for (const chunk of chunks) splitter.push(chunk, (line) => found.push(line) > 0);
  } catch (error) {
    return { lines: found, error };
  }
  return { lines: found, error: undefined };
}

it('has the length limit of messages.json', () => {
  expect(maxMessageBytes).toBe(maxBytes);
});

it.each(messages.map((each) => [each.to, each.name, each] as const))('to the %s: %s', (to, _, { line, verdict }) => {
  const parse = to === 'owner' ? parseToOwner : parseToMember;
  if (!verdict.malformed) {
    expect(parse(line)).toEqual(verdict.message);
    return;
  }
  let error: unknown;
  try {
    parse(line);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MalformedMessage);
  expect((error as MalformedMessage).theirs).toBe(verdict.theirs);
});

describe('bytes to lines', () => {
  it.each(lines.map((each) => [each.name, each] as const))('%s', (_, given) => {
    const result = split(given.chunks.map((chunk) => Buffer.from(chunk, 'hex')));
    expect(result.lines).toEqual(given.lines);
    expect(result.error !== undefined).toBe(given.error === true);
  });

  it.each(lengths.map((each) => [each.name, each] as const))('%s', (_, { byte, sizes, end, verdict }) => {
    const chunks = sizes.map((size) => Buffer.from(byte.repeat(size), 'hex'));
    const result = split(end ? [...chunks, Buffer.from('\n')] : chunks);
    expect(result.lines).toEqual(verdict === 'line' ? [Buffer.concat(chunks).toString()] : []);
    expect(result.error !== undefined).toBe(verdict === 'error');
  });
});
