import { isSocketReferenceError, messageOf, type SocketReferenceError, stackOf } from '../errors.js';
import type { CommandName } from './commands.js';
import { tell } from './output.js';

/** Exit status of `run` when sockref itself failed, as `env` and `timeout` have it: its other statuses are its command's. */
const runFailed = 125;

/** Exit status of a command line that cannot be understood. */
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

/** A command line, or a value in it, that cannot be understood. */
export class UsageError extends CliError {}

/** The exit status after a usage error of a command. */
export function usageStatus(command: CommandName | undefined): number {
  return command === 'run' ? runFailed : misused;
}

/** Tells what failed on stderr, in a line, and returns the exit status. */
export function report(error: unknown, command: CommandName | undefined): number {
  const { message, lines } = described(error);
  tell(message, lines);
  if (process.env['SOCKREF_DEBUG'] === '1') process.stderr.write(`${stackOf(error)}\n`);
  if (error instanceof UsageError) return usageStatus(command);
  if (error instanceof CliError && error.status !== undefined) return error.status;
  return command === 'run' ? runFailed : 1;
}

/** What to say of an error: a line, and what follows it. */
export function described(error: unknown): { message: string; lines: readonly string[] } {
  if (error instanceof CliError) return error;
  if (isSocketReferenceError(error)) return { message: inOurWords(error), lines: serverOutput(error) };
  const what = messageOf(error);
  return { message: `${what} (this should not happen; SOCKREF_DEBUG=1 shows where)`, lines: [] };
}

/** Messages of the library name its options; here they have other names, or there are none. */
function inOurWords({ code, message, path, timeoutMs, waitingFor }: SocketReferenceError): string {
  switch (code) {
    case 'ERR_SOCKREF_NOT_SERVED':
      return `Nobody serves ${path ?? 'it'}; give the server with --serve 'COMMAND {socket}', or name it in sockref.config.json`;
    case 'ERR_SOCKREF_TIMEOUT':
      return `${path} was not there within ${timeoutMs} ms; it was waiting for ${waitingFor}; --timeout gives it longer`;
    case 'ERR_SOCKREF_OWNER_LOST':
      return `The owner of ${path} is gone, and nobody took over within ${timeoutMs} ms; with --serve this process could have`;
    case 'ERR_SOCKREF_SERVER_FAILED':
      return message.replace('(readyTimeoutMs)', '(--ready-timeout)');
    case 'ERR_SOCKREF_ADDRESS_IN_USE':
      return message.replace("pass reclaim: 'stale' or ", '');
    default:
      return message;
  }
}

function serverOutput({ stderr }: SocketReferenceError): readonly string[] {
  return stderr === undefined || stderr.trim() === '' ? [] : stderr.trimEnd().split('\n');
}
