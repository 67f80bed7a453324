import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MalformedMessage, parseToMember, parseToOwner } from '#src/control/messages.js';
import { parseRecord } from '#src/files/record.js';

interface Change {
  readonly at: readonly (string | number)[];
  readonly value?: unknown;
  readonly missing?: true;
  readonly fine: boolean;
}

type Shapes = Readonly<Record<string, { readonly whole: object; readonly changes: readonly Change[] }>>;

const { toOwner, toMember, record } = JSON.parse(
  readFileSync(new URL('./shapes.json', import.meta.url), 'utf8'),
) as Readonly<Record<'toOwner' | 'toMember' | 'record', Shapes>>;

/** A copy with one value replaced or removed. */
function changed(whole: object, { at, value, missing }: Change): object {
  const copy = structuredClone(whole);
  // biome-ignore lint/suspicious/noExplicitAny: it may lead anywhere
  const inner = at.slice(0, -1).reduce<any>((each, name) => each[name], copy);
  const last = at[at.length - 1] as string;
  if (missing) delete inner[last];
  else inner[last] = value;
  return copy;
}

function told({ at, value, missing }: Change): string {
  return `${at.join('.')} ${missing ? 'missing' : JSON.stringify(value)}`;
}

describe.each([
  ['owner', toOwner, parseToOwner],
  ['member', toMember, parseToMember],
] as const)('to the %s', (_, shapes, parse) => {
  describe.each(Object.entries(shapes))('%s', (_, { whole, changes }) => {
    it('is understood, and unknown fields are ignored', () => {
      expect(parse(JSON.stringify({ ...whole, later: [1] }))).toEqual(whole);
    });

    if (changes.length === 0) return;
    it.each(changes.map((each) => [told(each), each.fine ? 'fine' : 'refused', each] as const))(
      '%s: %s',
      (_, __, change) => {
        const message = changed(whole, change);
        const read = () => parse(JSON.stringify(message));
        if (change.fine) expect(read()).toEqual(message);
        else expect(read).toThrow(MalformedMessage);
      },
    );
  });
});

describe.each(Object.entries(record))('a line of a record: %s', (name, { whole, changes }) => {
  const header = JSON.stringify({ ...record['header']?.whole, pid: 7 });
  /** Whether a line adds anything to the record. */
  const counts = (line: object) =>
    name === 'header'
      ? parseRecord(`${JSON.stringify(line)}\n`) !== undefined
      : JSON.stringify(parseRecord(`${header}\n${JSON.stringify(line)}\n`)) !==
        JSON.stringify(parseRecord(`${header}\n`));

  it('counts', () => expect(counts({ ...whole, later: [1] })).toBe(true));

  it.each(changes.map((each) => [told(each), each.fine ? 'counts' : 'is passed over', each] as const))(
    '%s: %s',
    (_, __, change) => {
      expect(counts(changed(whole, change))).toBe(change.fine);
    },
  );
});
