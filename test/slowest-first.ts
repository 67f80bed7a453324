import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The test files that take longest, the slowest first, as `scripts/slowest-first.mjs` has written them down. */
const slowest: readonly string[] = JSON.parse(readFileSync(new URL('slowest-first.json', import.meta.url), 'utf8'));

/** Runs the slowest test files first: one that begins late would run on alone when all others are done. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

function place({ moduleId }: TestSpecification): number {
  const found = slowest.indexOf(relative(root, moduleId));
  return found === -1 ? slowest.length : found;
}
