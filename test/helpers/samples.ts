import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the package. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A program in a page of the documentation. */
export interface Sample {
  /** The page and the line, such as `guide.md:12`. */
  readonly name: string;
  readonly language: 'js' | 'ts';
  /** `run`: it runs to its end, and prints the text of its comments. `program`: a separate test runs it. */
  readonly kind: 'run' | 'program';
  readonly code: string;
  /** The text that it must print: that of each comment that begins with an arrow, in order. */
  readonly prints: readonly string[];
}

const fence = /^```(js|ts) (run|program)\n([\s\S]*?)^```$/gm;
const arrow = /\/\/ → (.*)$/gm;

/** The programs of a page: fenced code whose language is followed by the word `run` or `program`. */
export function samplesOf(page: string): Sample[] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  return [...text.matchAll(fence)].map(({ index, 1: language, 2: kind, 3: code = '' }) => ({
    name: `${basename(page)}:${text.slice(0, index).split('\n').length + 1}`,
    language: language as Sample['language'],
    kind: kind as Sample['kind'],
    code,
    prints: [...code.matchAll(arrow)].map(([, line = '']) => line),
  }));
}
