import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the words of the project are read: by its users, and by the engineers who change it. */
const places = [
  'src',
  'python/src',
  'python/tests',
  'python/README.md',
  'docs',
  'examples',
  'verify',
  'test',
  'labs',
  'bench',
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'protocol.json',
];

/** Words that a plain sentence does not need, and old words for an idea that has another one now. */
const refused = new RegExp(
  `\\b(${[
    'nobody|anybody|somebody|everybody|someone|anyone|everyone',
    'whoever|whomever|whatever|whichever',
    'anew|nowhere|thereby|thereof|hence|lest|by itself|by themselves',
    'hires?|hired|healers?|heals|mends?|mended|sweeps?|sweepers?|farewells?|strangers?',
  ].join('|')})\\b`,
  'gi',
);

/** This file has all of them. */
const here = 'test/words.test.ts';

/** The files of a place, or the place, if it is a file. */
function filesOf(place: string): string[] {
  if (statSync(join(root, place)).isFile()) return [place];
  const names = readdirSync(join(root, place), { recursive: true, encoding: 'utf8' });
  const texts = names.filter((name) => /\.(ts|mjs|cjs|py|md|json|pml|sh)$/.test(name));
  return texts.filter((name) => !/node_modules|\.egg-info|build\//.test(name)).map((name) => join(place, name));
}

/** A name such as `sweepNameless` or `sweep_nameless` contains several words. */
function separated(text: string): string {
  return text.replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
}

function found(file: string): string[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, at) =>
    (separated(line).match(refused) ?? []).map((word) => `${file}:${at + 1}: ${word}`),
  );
}

it('sentences and names are plain', () => {
  const files = places.flatMap(filesOf);
  expect(files).toContain('src/api/manager.ts');
  expect(files).toContain('python/src/sockref/_api/manager.py');
  expect(files.filter((file) => file !== here).flatMap(found)).toEqual([]);
});

it('a refused word is found in a sentence and in a name', () => {
  const words = (text: string) => separated(text).match(refused);
  expect(words('A repair, whatever failed')).toEqual(['whatever']);
  expect(words('function sweepNameless() { sweep_nameless() }')).toEqual(['sweep', 'sweep']);
  expect(words('An owner repairs its files; the event is named `healed`.')).toBeNull();
});
