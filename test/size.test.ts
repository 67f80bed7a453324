import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A file with more lines has more than one subject. */
const maxLines = 300;

/** The lines of each file in a folder that was written by hand. */
function linesOf(folder: string, ending: string): Map<string, number> {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((file) => file.endsWith(ending))
    .map((file) => [file, readFileSync(join(root, folder, file), 'utf8')] as const);
  const written = texts.filter(([, text]) => !/^\W*Made from protocol\.json /m.test(text));
  return new Map(written.map(([file, text]) => [file, text.split('\n').length - 1]));
}

it.each([
  { folder: 'src', ending: '.ts', known: 'api/manager.ts', made: 'protocol/messages.ts' },
  { folder: 'python/src', ending: '.py', known: 'sockref/_api/manager.py', made: 'sockref/_protocol/messages.py' },
])('no source file in $folder is too long for one subject', ({ folder, ending, known, made }) => {
  const lines = linesOf(folder, ending);
  expect(lines.get(known)).toBeGreaterThan(0);
  expect(lines.has(made)).toBe(false);
  expect([...lines].filter(([, count]) => count > maxLines)).toEqual([]);
});
