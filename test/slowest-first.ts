import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The slowest test files, the slowest first, as `scripts/slowest-first.mjs` recorded them. */
const slowest: readonly string[] = JSON.parse(readFileSync(new URL('slowest-first.json', import.meta.url), 'utf8'));

/** Runs the slowest test files first: a slow file that begins late would run alone at the end. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

function place({ moduleId }: TestSpecification): number {
  const found = slowest.indexOf(relative(root, moduleId));
  return found === -1 ? slowest.length : found;
}
