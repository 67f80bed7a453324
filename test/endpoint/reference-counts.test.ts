import { expect, test } from 'vitest';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceCounts } from '#src/endpoint/reference-counts.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';

const reference = () => new ReferenceState({} as Endpoint, undefined);

test('references are counted', () => {
  const counts = new ReferenceCounts();
  const [first, second] = [reference(), reference()];
  counts.add();
  counts.add();
  expect(counts.references).toBe(2);
  counts.remove(first);
  counts.remove(second);
  expect(counts.references).toBe(0);
});

test('an owner stays for its references, unless all of them are unref-ed', () => {
  const counts = new ReferenceCounts();
  const [first, second] = [reference(), reference()];
  counts.add();
  counts.add();
  expect(counts.keepsAlive('owner')).toBe(true);
  counts.keep(first, 'no');
  expect(counts.keepsAlive('owner')).toBe(true);
  counts.keep(second, 'no');
  expect(counts.keepsAlive('owner')).toBe(false);
  counts.keep(second, 'yes');
  expect(counts.keepsAlive('owner')).toBe(true);
});

test('an owner without own references stays for those of other processes', () => {
  const counts = new ReferenceCounts();
  const only = reference();
  counts.add();
  counts.keep(only, 'no');
  expect(counts.keepsAlive('owner')).toBe(false);
  counts.remove(only);
  expect(counts.keepsAlive('owner')).toBe(true);
});

test('a member stays only if a reference is ref-ed', () => {
  const counts = new ReferenceCounts();
  const only = reference();
  counts.add();
  expect(counts.keepsAlive('member')).toBe(false);
  counts.keep(only, 'yes');
  expect(counts.keepsAlive('member')).toBe(true);
  counts.remove(only);
  expect(counts.keepsAlive('member')).toBe(false);
});
