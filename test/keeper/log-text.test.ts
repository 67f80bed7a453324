import { expect, it } from 'vitest';
import { lastLines, withoutZeros } from '#src/keeper/log-text.js';

const bytes = (text: string) => Buffer.from(text);

it('is the text without blank lines around it', () => {
  expect(lastLines(bytes('\n \n  one\n\ntwo \n\n'), false)).toBe('  one\n\ntwo');
  expect(lastLines(bytes(''), false)).toBe('');
  expect(lastLines(bytes('\n\n'), false)).toBe('');
});

it('begins with a whole line when it was cut off', () => {
  expect(lastLines(bytes('f a line\none\ntwo'), true)).toBe('one\ntwo');
  expect(lastLines(bytes('\none\ntwo'), true)).toBe('one\ntwo');
});

it('begins with a whole letter when there is no whole line', () => {
  const text = bytes('xäöü€😀y');
  for (let cut = 0; cut < text.length; cut++) {
    const last = lastLines(text.subarray(cut), true);
    expect(last).not.toContain('\uFFFD');
    expect('xäöü€😀y').toContain(last);
  }
  expect(lastLines(bytes('long line\n'), true)).toBe('ong line');
});

it('ends with a whole letter', () => {
  const text = bytes('a😀');
  for (let length = 1; length < text.length; length++) {
    expect(lastLines(text.subarray(0, length), false)).toBe('a');
  }
});

it('replaces bytes that are not UTF-8', () => {
  expect(lastLines(Buffer.from([0x61, 0xff, 0x62]), false)).toBe('a\uFFFDb');
  expect(lastLines(Buffer.from([0x80, 0x80, 0x80]), true)).toBe('\uFFFD\uFFFD\uFFFD');
});

it('has no zeros', () => {
  expect(withoutZeros(Buffer.from([0, 0, 0x61, 0, 0x62]))).toEqual(bytes('ab'));
  expect(lastLines(Buffer.from([0, 0, 0x61]), false)).toBe('a');
});
