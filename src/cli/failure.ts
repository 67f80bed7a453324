import { isSocketReferenceError, messageOf, quote, stackOf } from '../errors/error.js';
import { errnoOf, systemError } from '../errors/system.js';
import { adviceFor } from './advice.js';
import type { CommandName } from './commands.js';
import { errorOutput, tell } from './output.js';

/**
 * The exit status of `run` when sockref itself failed, as of `env` and `timeout`: all other statuses come from its
 * command.
 */
const runFailed = 125;

/** The exit status for an invalid command line. */
const misused = 2;

/** A failure whose message is all that the user needs; `lines` follow it, indented. */
export class CliError extends Error {
  readonly status: number | undefined;
  readonly lines: readonly string[];

  constructor(message: string, { status, lines = [] }: { status?: number; lines?: readonly string[] } = {}) {
    super(message);
    this.status = status;
    this.lines = lines;
  }
}

/** An invalid command line, or an invalid value in it. */
export class UsageError extends CliError {}

/** The exit status after a usage error of a command. */
export function usageStatus(command: CommandName | undefined): number {
  return command === 'run' ? runFailed : misused;
}

/** Writes a failure to stderr, in one line, and returns the exit status. */
export function report(error: unknown, command: CommandName | undefined): number {
  const { message, lines } = described(error, command);
  tell(message, lines);
  if (process.env['SOCKREF_DEBUG'] === '1') errorOutput().write(`${stackOf(error)}\n`);
  if (error instanceof UsageError) return usageStatus(command);
  if (error instanceof CliError && error.status !== undefined) return error.status;
  return command === 'run' ? runFailed : 1;
}

/** The message for an error of a command: one line, and indented lines that follow it. */
export function described(
  error: unknown,
  command: CommandName | undefined,
): { message: string; lines: readonly string[] } {
  if (error instanceof CliError) return error;
  if (isSocketReferenceError(error)) {
    return { message: adviceFor(error, command), lines: linesOf(error.stderr) };
  }
  if (isOfSystem(error)) return { message: refusedBySystem(error), lines: [] };
  const what = messageOf(error);
  return { message: `${what} (this should not happen; SOCKREF_DEBUG=1 shows where)`, lines: [] };
}

/** The system may refuse anything at any time. An error without a better message is reported as it is. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return /^E[A-Z0-9]+$/.test(errnoOf(error) ?? '') && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function refusedBySystem(error: NodeJS.ErrnoException): string {
  if (error.syscall === 'uv_cwd') return 'The working directory does not exist any more; go to another one (cd)';
  const { path = '' } = error;
  const { message } = systemError(error, path, path === '' ? 'go on' : `use ${quote(path)}`);
  return message.includes('; ') ? message : `${message}; SOCKREF_DEBUG=1 shows where`;
}

function linesOf(output: string | undefined): readonly string[] {
  return output === undefined || output.trim() === '' ? [] : output.trimEnd().split('\n');
}
