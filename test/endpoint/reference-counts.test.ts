import { expect, test } from 'vitest';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceCounts } from '#src/endpoint/reference-counts.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';

const reference = () => new ReferenceState({} as Endpoint, undefined);

test('references are counted', () => {
  const ledger = new ReferenceCounts();
  const [first, second] = [reference(), reference()];
  ledger.add();
  ledger.add();
  expect(ledger.references).toBe(2);
  ledger.remove(first);
  ledger.remove(second);
  expect(ledger.references).toBe(0);
});

test('an owner stays for its references, unless all of them were told not to keep it', () => {
  const ledger = new ReferenceCounts();
  const [first, second] = [reference(), reference()];
  ledger.add();
  ledger.add();
  expect(ledger.keepsAlive('owner')).toBe(true);
  ledger.keep(first, 'no');
  expect(ledger.keepsAlive('owner')).toBe(true);
  ledger.keep(second, 'no');
  expect(ledger.keepsAlive('owner')).toBe(false);
  ledger.keep(second, 'yes');
  expect(ledger.keepsAlive('owner')).toBe(true);
});

test('an owner without references of its own stays for those elsewhere', () => {
  const ledger = new ReferenceCounts();
  const only = reference();
  ledger.add();
  ledger.keep(only, 'no');
  expect(ledger.keepsAlive('owner')).toBe(false);
  ledger.remove(only);
  expect(ledger.keepsAlive('owner')).toBe(true);
});

test('a member stays only if it was told to', () => {
  const ledger = new ReferenceCounts();
  const only = reference();
  ledger.add();
  expect(ledger.keepsAlive('member')).toBe(false);
  ledger.keep(only, 'yes');
  expect(ledger.keepsAlive('member')).toBe(true);
  ledger.remove(only);
  expect(ledger.keepsAlive('member')).toBe(false);
});
