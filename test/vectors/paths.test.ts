import { lstatSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isSocketReferenceError, SocketManager } from 'sockref';
import { afterEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../helpers/directory.js';
import { type Entry, make, treeOf } from '../helpers/tree.js';

interface Case {
  readonly name: string;
  readonly input?: unknown;
  readonly absent?: true;
  readonly fill?: { readonly with: string; readonly over: number; readonly in?: string };
  readonly env?: Readonly<Record<string, string | null>>;
  readonly setup?: readonly Entry[];
  readonly verdict:
    | { readonly path: string }
    | { readonly pattern: string }
    | { readonly code: string; readonly reason?: string; readonly found?: string; readonly over?: number };
}

const { cases, maxBytes } = JSON.parse(readFileSync(new URL('./paths.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly Case[];
  readonly maxBytes: Readonly<Record<string, number>>;
};
const max = maxBytes[process.platform] as number;

/** The letters for `{fill}`, so that the whole path has the wanted number of bytes. */
function filling({ input, fill }: Case, directory: string): string {
  if (!fill) return '';
  const rest = (fill.in ?? String(input)).replaceAll('{dir}', directory).replaceAll('{fill}', '');
  const bytes = max + fill.over - Buffer.byteLength(rest);
  const letters = fill.with.repeat(Math.floor(bytes / Buffer.byteLength(fill.with)));
  return letters + 'x'.repeat(bytes - Buffer.byteLength(letters));
}

/** A case with its templates filled in, and its setup made. */
async function prepare(given: Case, directory: string): Promise<Case> {
  const fill = filling(given, directory);
  const filled = (_: string, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('{dir}', directory).replaceAll('{fill}', fill) : value;
  const prepared = JSON.parse(JSON.stringify(given, filled)) as Case;
  for (const entry of prepared.setup ?? []) await make(entry);
  const env = { SOCKREF_DIR: `${directory}/default`, ...prepared.env };
  for (const [name, value] of Object.entries(env)) {
    if (value === null) delete process.env[name];
    else process.env[name] = value;
  }
  return prepared;
}

afterEach(() => {
  delete process.env['SOCKREF_DIR'];
  delete process.env['XDG_RUNTIME_DIR'];
});

async function run(given: Case, directory: string): Promise<void> {
  const { input, verdict } = await prepare(given, directory);
  const before = treeOf(directory);
  await using manager = new SocketManager();
  const acquired = manager.acquire(input as string | undefined, { serve: (socket) => socket.end('ok') });
  if ('code' in verdict) {
    const { over, ...fields } = verdict;
    const error = await acquired.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(isSocketReferenceError(error), String(error)).toBe(true);
    expect(error).toMatchObject(over === undefined ? fields : { ...fields, max, length: max + over });
    expect(manager.isSocketActive(input as string)).toBe(false);
    expect(manager.referenceCount(input as string)).toBe(0);
  } else {
    const reference = await acquired;
    if ('path' in verdict) expect(reference.path).toBe(verdict.path);
    else expect(reference.path).toMatch(new RegExp(verdict.pattern));
    expect(lstatSync(reference.path).isSocket()).toBe(true);
    if (typeof input === 'string') expect(manager.isSocketActive(input)).toBe(true);
    const socket = await reference.connect();
    expect(String(await socket.toArray())).toBe('ok');
    await reference.close();
  }
  const left = treeOf(directory);
  // A default directory that was missing stays, empty.
  for (const name of ['default', 'sockref', 's/default']) if (!(name in before)) delete left[name];
  expect(left).toEqual(before);
}

describe.each(cases.map((each) => [each.name, each] as const))('%s', (_, given) => {
  it('has the verdict of paths.json, and nothing else on disk is changed', async () => {
    const directory = await makeDirectory();
    try {
      await run(given, directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
