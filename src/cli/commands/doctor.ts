import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../../printable.js';
import { examine } from '../doctor/examine.js';
import { fixProblem } from '../doctor/fix.js';
import type { Problem } from '../doctor/problem.js';
import { paint, plural, print, printJson } from '../output.js';

interface Options {
  readonly fix?: true;
  readonly json?: true;
}

/** `sockref doctor` */
export function define(command: Command): void {
  command
    .argument('[directory]', 'where to look; the default directory if none is given')
    .option('--fix', 'remove what dead owners left, and close the default directory to others')
    .option('--json', 'print JSON: the directory and its problems')
    .addHelpText(
      'after',
      '\nThe exit status is 1 if problems remain.\n\nExamples:\n  $ sockref doctor\n  $ sockref doctor --fix\n  $ sockref doctor /run/myapp --json',
    )
    .action(doctor);
}

async function doctor(given: string | undefined, { fix, json }: Options): Promise<void> {
  const where = given === undefined ? undefined : resolve(given);
  const { directory, problems } = await examine(where);
  const results = await treated(problems, fix === true);
  // The content of a directory is examined only once the directory is safe.
  if (results.some(({ problem, fixed }) => fixed && problem.kind === 'unsafe-directory')) {
    results.push(...(await treated((await examine(where)).problems, true)));
  }
  const remaining = results.filter(({ fixed }) => !fixed).length;
  process.exitCode = remaining > 0 ? 1 : 0;
  if (json) {
    return printJson({
      directory,
      problems: results.map(({ problem: { kind, path, pid, message }, fixed }) => ({
        kind,
        path,
        pid,
        message,
        fixed,
      })),
    });
  }
  for (const { problem, fixed } of results) {
    const mark = fixed ? paint(process.stdout, 'green', 'fixed') : paint(process.stdout, 'red', problem.kind);
    print(`${mark}: ${printable(problem.message)}`);
  }
  if (results.length === 0) print(`${printable(directory)}: no problems`);
  else print(`${printable(directory)}: ${plural(remaining, 'problem')}${fix ? ' left' : ''}`);
}

interface Result {
  readonly problem: Problem;
  readonly fixed: boolean;
}

async function treated(problems: readonly Problem[], fix: boolean): Promise<Result[]> {
  const results: Result[] = [];
  for (const problem of problems) results.push({ problem, fixed: fix && (await fixProblem(problem)) });
  return results;
}
