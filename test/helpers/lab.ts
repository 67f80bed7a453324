import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What every lab says with `--json`. */
export interface LabResult<Figures> {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly figures: Figures;
}

/** Runs a lab, shortened by its numbers, and returns its result. */
export async function runLab<Figures>(lab: string, numbers: Record<string, number>): Promise<LabResult<Figures>> {
  const program = fileURLToPath(new URL(`../../labs/${lab}/run.mjs`, import.meta.url));
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // A lab that finds a problem ends with 1, and says what it is all the same.
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--json', ...args]).catch(
    (error: { stdout?: string; message: string }) => {
      if (!error.stdout) throw error;
      return { stdout: error.stdout };
    },
  );
  return JSON.parse(stdout) as LabResult<Figures>;
}
