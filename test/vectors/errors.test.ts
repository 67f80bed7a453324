import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorFields } from '#src/protocol/errors.js';

const { codes } = JSON.parse(readFileSync(new URL('./errors.json', import.meta.url), 'utf8')) as {
  readonly codes: Readonly<Record<string, readonly string[]>>;
};

it('has the codes that errors.json lists, each with its fields', () => {
  const known = Object.entries(errorFields).map(([code, fields]) => [code, [...fields]]);
  expect(Object.fromEntries(known)).toEqual(codes);
});
