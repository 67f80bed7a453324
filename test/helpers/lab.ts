import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { atEnd } from './at-end.js';

/** The result of a lab with `--json`. */
export interface LabResult<Figures> {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly figures: Figures;
}

/** Runs a lab, shortened by its numbers, and returns its result. It ends with the test, with all its processes. */
export async function runLab<Figures>(lab: string, numbers: Record<string, number>): Promise<LabResult<Figures>> {
  const program = fileURLToPath(new URL(`../../labs/${lab}/run.mjs`, import.meta.url));
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // By the channel the lab knows when this process is killed.
  const child = spawn(process.execPath, [program, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const closed = once(child, 'close');
  atEnd(async () => {
    child.kill('SIGTERM');
    await closed;
  });
  const output = [child.stdout, child.stderr].map((stream) => text(stream as NodeJS.ReadableStream));
  const [stdout, stderr] = (await Promise.all(output)) as [string, string];
  const [code, signal] = await closed;
  // A lab that finds a problem exits with 1, and still prints its result.
  if (stdout === '') throw new Error(`The lab ${lab} ended with ${signal ?? code}: ${stderr}`);
  return JSON.parse(stdout) as LabResult<Figures>;
}
