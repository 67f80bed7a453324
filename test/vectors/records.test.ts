import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readText } from '#src/files/descriptor-text.js';
import { looksLikeRecord, parseRecord } from '#src/files/record.js';
import { maxRecordBytes, recordMagic } from '#src/protocol/constants.js';

interface Case {
  readonly name: string;
  readonly text?: string;
  readonly hex?: string;
  readonly ours: boolean;
  readonly names: Readonly<Record<string, unknown>> | null;
}

const { cases, maxBytes } = JSON.parse(readFileSync(new URL('./records.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[];
  readonly maxBytes: number;
};

function bytesOf({ text, hex }: Case): Buffer {
  return hex === undefined ? Buffer.from(text as string) : Buffer.from(hex, 'hex');
}

/** The record of a file with these bytes, and whether the file counts as ours. */
function read(bytes: Buffer): { names: unknown; ours: boolean } {
  const directory = mkdtempSync(join(tmpdir(), 'sockref-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'lock');
  writeFileSync(file, bytes);
  const fd = openSync(file, 'r');
  try {
    return {
      names: parseRecord(readText(fd, maxRecordBytes)),
      ours: looksLikeRecord(readText(fd, recordMagic.length)),
    };
  } finally {
    closeSync(fd);
  }
}

it('has the size limit of records.json', () => {
  expect(maxRecordBytes).toBe(maxBytes);
});

describe.each(cases.map((each) => [each.name, each] as const))('%s', (_, given) => {
  const expected = given.names === null ? undefined : { start: undefined, servers: [], ...given.names };

  it('names what records.json says', () => {
    expect(read(bytesOf(given))).toEqual({ names: expected, ours: given.ours });
  });

  it('torn at any byte, names nothing that the whole record does not name', () => {
    const bytes = bytesOf(given);
    const whole = parseRecord(bytes.toString());
    for (let length = 0; length < bytes.length; length++) {
      const torn = parseRecord(bytes.toString('utf8', 0, length));
      if (!torn) continue;
      expect(whole?.published).toEqual(expect.arrayContaining([...torn.published]));
      expect(whole?.temporaries).toEqual(expect.arrayContaining([...torn.temporaries]));
    }
  });
});
