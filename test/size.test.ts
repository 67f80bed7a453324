import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** A file with more lines has more than one subject. */
const maxLines = 300;

/** The files of `src` that were written by hand. */
function sourceFiles(): string[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts') && !file.startsWith('protocol/'));
}

it('no source file is too long for one subject', () => {
  const files = sourceFiles();
  expect(files).toContain('api/manager.ts');
  const lines = (file: string) => readFileSync(join(source, file), 'utf8').split('\n').length - 1;
  expect(files.filter((file) => lines(file) > maxLines).sort()).toEqual([]);
});
