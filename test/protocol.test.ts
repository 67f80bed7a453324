import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as constants from '#src/protocol/constants.js';
import { withDirectory } from './helpers/directory.js';
import { root } from './helpers/samples.js';

/** A function of the script, which has no types for the tests. */
const { differences }: { differences(root: string): { different: [file: string, text: string][] } } = await import(
  join(root, 'scripts/protocol/files.mjs')
);

const run = promisify(execFile);
const script = join(root, 'scripts/protocol.mjs');

/** What the script reads and writes. */
const files = [
  'protocol.json',
  'src/protocol',
  'python/src/sockref/_protocol',
  'docs/protocol.md',
  'docs/api.md',
  'docs/errors.md',
  'test/vectors/shapes.json',
];

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function protocol(folder: string, ...options: readonly string[]): Promise<Outcome> {
  return run(process.execPath, [script, ...options, folder]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

/** Runs a test with a copy of the files in which one text is replaced. */
async function withChange(
  file: string,
  what: string,
  by: string,
  test: (folder: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (folder) => {
    for (const each of files) cpSync(join(root, each), join(folder, each), { recursive: true });
    const before = readFileSync(join(folder, file), 'utf8');
    expect(before).toContain(what);
    writeFileSync(join(folder, file), before.replace(what, by));
    await test(folder);
    for (const each of readdirSync(folder)) rmSync(join(folder, each), { recursive: true });
  });
}

const page = 'docs/protocol.md';
const typescript = 'src/protocol/constants.ts';
const python = 'python/src/sockref/_protocol/constants.py';

it('finds that the tables are those of protocol.json', async () => {
  expect(await protocol(root, '--check')).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+ files agree with protocol\.json\n$/),
    stderr: '',
  });
});

it.each([
  [
    'a number',
    'protocol.json',
    '"successionMs": {\n      "value": 250',
    '"successionMs": {\n      "value": 251',
    [typescript, python, page],
  ],
  [
    'a default',
    'protocol.json',
    '"maxSockets": { "value": 1024',
    '"maxSockets": { "value": 1025',
    [typescript, python, 'docs/api.md'],
  ],
  [
    'a range',
    'protocol.json',
    '"positive": { "kind": "integer", "min": 1',
    '"positive": { "kind": "integer", "min": 2',
    ['src/protocol/messages.ts', 'python/src/sockref/_protocol/record.py', page, 'test/vectors/shapes.json'],
  ],
  [
    'a field of an error',
    'protocol.json',
    '"waitingFor": "what',
    '"expected": "what',
    ['src/protocol/errors.ts', 'python/src/sockref/_protocol/errors.py', 'docs/errors.md'],
  ],
  ['TypeScript', typescript, 'successionMs = 250', 'successionMs = 251', [typescript]],
  ['Python', python, 'SUCCESSION_SECONDS: Final = 0.25', 'SUCCESSION_SECONDS: Final = 0.251', [python]],
  ['a table of a page', page, '| `successionMs` | 250 |', '| `successionMs` | 251 |', [page]],
  ['a number in a sentence', page, '<!--successionMs-->250', '<!--successionMs-->251', [page]],
] as const)('finds where the files differ when %s is changed', (_, file, what, by, differ) =>
  withChange(file, what, by, async (folder) => {
    const found = differences(folder).different.map(([each]) => each);
    if (file === 'protocol.json') expect(found).toEqual(expect.arrayContaining([...differ]));
    else expect(found).toEqual(differ);
  }),
);

it('fails, and says which file differs', () =>
  withChange(python, 'SUCCESSION_SECONDS: Final = 0.25', 'SUCCESSION_SECONDS: Final = 0.251', async (folder) => {
    expect(await protocol(folder, '--check')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `${python} is not what protocol.json says; run npm run protocol\n`,
    });
  }));

it('writes only files that must change', () =>
  withChange(python, 'SUCCESSION_SECONDS: Final = 0.25', 'SUCCESSION_SECONDS: Final = 0.251', async (folder) => {
    expect(await protocol(folder)).toEqual({ code: 0, stdout: `wrote ${python}\n`, stderr: '' });
    expect(readFileSync(join(folder, python), 'utf8')).toBe(readFileSync(join(root, python), 'utf8'));
  }));

it('fails when a page has lost a table', () =>
  withChange(page, '<!-- protocol: times -->', '', async (folder) => {
    const { code, stderr } = await protocol(folder, '--check');
    expect(stderr).toContain('docs/protocol.md has no place for the table times');
    expect(code).not.toBe(0);
  }));

it('has no number that only one language uses', () => {
  const folder = join(root, 'python/src/sockref');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.py') && !name.startsWith('_protocol/'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  const shapes = ['messages.py', 'record.py'].map((name) => readFileSync(join(folder, '_protocol', name), 'utf8'));
  const used = new Set([...sources, ...shapes].join('\n').match(/\b[A-Z][A-Z_]+\b/g));
  // The check for unused code shows that TypeScript uses each of them.
  const names = Object.keys(constants).filter((name) => name !== 'defaultLimits');
  const missing = names
    .map((name) => name.replace(/Ms$/, 'Seconds').replace(/[A-Z]/g, '_$&').toUpperCase())
    .filter((name) => !used.has(name));
  expect(names.length).toBeGreaterThan(40);
  expect(missing).toEqual([]);
});
