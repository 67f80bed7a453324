import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const script = join(root, 'scripts/check-docs.mjs');

async function check(folder: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return run(process.execPath, [script, folder]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

it('finds that the documentation agrees with the code', async () => {
  const { code, stdout, stderr } = await check(root);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^\d+ pages agree with the code\n$/);
  expect(code).toBe(0);
});

it.each([
  ['errors.md', '## ERR_SOCKREF_CLOSED', '## Closed', 'there is no section "ERR_SOCKREF_CLOSED"'],
  ['errors.md', '## ERR_SOCKREF_CLOSED', '## ERR_SOCKREF_OPEN', 'there is no code "ERR_SOCKREF_OPEN"'],
  ['errors.md', '> This reference to', 'This reference to', 'ERR_SOCKREF_CLOSED: has no example'],
  ['errors.md', 'api.md#limits', 'api.md#bounds', 'api.md#bounds leads to no heading'],
  ['errors.md', 'api.md#limits', 'pai.md#limits', 'pai.md#limits leads to nothing'],
  ['guide.md', '# ', '# ERR_SOCKREF_NEW ', 'docs/guide.md: there is no code ERR_SOCKREF_NEW'],
  ['api.md', /HolderInfo/g, 'Holder', 'does not name HolderInfo, an export of index.d.ts'],
  ['api.md', /GetActiveSocketCount/g, 'Count', 'does not name GetActiveSocketCount, an export of glide.d.ts'],
  ['api.md', '| `lingerMs` |', '| `linger` |', 'AcquireOptions has no row for `lingerMs`'],
  ['api.md', '| `lingerMs` |', '| `linger` |', 'AcquireOptions has no member `linger`'],
  [
    'api.md',
    '| `maxSockets` | 1,024',
    '| `maxSockets` | 1,000',
    'row of `maxSockets` does not tell its default, 1,024',
  ],
  ['api.md', '## Limits', '## Bounds', 'there is no section "Limits"'],
  ['cli.md', '\n## stop\n', '\n## end\n', 'docs/cli.md: there is no section "stop"'],
  ['cli.md', '| `--linger DURATION` |', '| `--stay DURATION` |', 'docs/cli.md: run has no row for `--linger`'],
  ['cli.md', '| `--linger DURATION` |', '| `--stay DURATION` |', 'docs/cli.md: run has no option `--stay`'],
  ['cli.md', '| `-f`, `--follow` |', '| `-f`, `--tail` |', 'docs/cli.md: logs has no row for `--follow`'],
] as const)('%s: finds %s replaced', async (page, what, by, told) => {
  await withDirectory(async (directory) => {
    cpSync(join(root, 'docs'), join(directory, 'docs'), { recursive: true });
    const path = join(directory, 'docs', page);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(what, by);
    expect(after).not.toBe(before);
    writeFileSync(path, after);
    const { code, stderr } = await check(directory);
    expect(stderr).toContain(told);
    expect(code).toBe(1);
    rmSync(join(directory, 'docs'), { recursive: true });
  });
});
