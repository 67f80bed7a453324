import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { root, type Sample, samplesOf } from '../helpers/samples.js';

const run = promisify(execFile);

// An empty project that has the package installed, as a reader's would be.
const project = mkdtempSync(join(tmpdir(), 'sockref-samples-'));
mkdirSync(join(project, 'node_modules'));
symlinkSync(root, join(project, 'node_modules/sockref'));
writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
writeFileSync(
  join(project, 'tsconfig.json'),
  JSON.stringify({
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: { noUnusedLocals: false, typeRoots: [join(root, 'node_modules/@types')] },
    include: ['*.ts'],
  }),
);
afterAll(() => rmSync(project, { recursive: true, force: true }));

const samples = ['README.md', 'docs/guide.md', 'docs/api.md'].flatMap(samplesOf);

function fileOf(sample: Sample, extension: string = sample.language): string {
  return join(project, `${sample.name.replace(/[^\w]/g, '-')}.${extension}`);
}

for (const sample of samples) writeFileSync(fileOf(sample), sample.code);

/** Runs a sample to its end: a failing one rejects with what it wrote. */
async function lines(sample: Sample, directory: string): Promise<{ stdout: string[]; stderr: string }> {
  const env = { ...process.env, SOCKREF_DIR: directory, TMPDIR: directory };
  const { stdout, stderr } = await run(process.execPath, [fileOf(sample, 'js')], { cwd: project, env });
  return { stdout: stdout.split('\n').slice(0, -1), stderr };
}

describe('the programs in the documentation', () => {
  const runnable = samples.filter(({ kind }) => kind === 'run');

  it('are there', () => {
    expect(runnable.length).toBeGreaterThan(12);
  });

  it('are sound where they have types', async () => {
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { stdout } = await run(tsc, ['-p', '.'], { cwd: project }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });

  it.each(runnable.map((sample) => [sample.name, sample] as const))('%s does what it says', async (_, sample) => {
    await withDirectory(async (directory) => {
      const { stdout, stderr } = await lines(sample, directory);
      expect(stderr).toBe('');
      // A test runner writes a report of its own.
      if (!sample.code.includes("from 'node:test'")) expect(stdout).toEqual(sample.prints);
    });
  });
});

describe('the program of the README', () => {
  const [program] = samples.filter(({ kind }) => kind === 'program');

  /** Starts it; `said` resolves when it prints a line that fits. */
  function start(directory: string): { child: ChildProcess; said(line: RegExp): Promise<void> } {
    if (!program) throw new Error('the README has no program');
    const env = { ...process.env, SOCKREF_DIR: directory };
    const child = spawn(process.execPath, [fileOf(program)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const output = createInterface({ input: child.stdout });
    return {
      child,
      said: async (line) => {
        for (;;) {
          const [text] = await once(output, 'line');
          if (line.test(text)) return;
        }
      },
    };
  }

  it('counts, fails over and cleans up as the README tells', async () => {
    await withDirectory(async (directory) => {
      const first = start(directory);
      await first.said(new RegExp(`^owner, 1 in all: hello from process ${first.child.pid}$`));
      const others = [start(directory), start(directory)];
      const all = [first, ...others];
      await Promise.all(all.map(({ said }) => said(new RegExp(`3 in all: hello from process ${first.child.pid}$`))));

      first.child.kill('SIGKILL');
      await Promise.all(others.map(({ said }) => said(/^(owner|member), 2 in all: hello/)));

      const ends = others.map(({ child }) => once(child, 'exit'));
      for (const { child } of others) child.kill('SIGINT');
      for (const [code] of await Promise.all(ends)) expect(code).toBe(0);
    });
  });
});
