import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { quote } from '../../errors/error.js';
import { errnoOf } from '../../errors/system.js';
import { CliError } from '../failure.js';
import { remoteNumber } from './callers-descriptors.js';
import type { CommandDescriptor } from './command-descriptor.js';

/** How the command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** The exit statuses of `env` for a command that cannot be run. */
const notExecutable = 126;
const notFound = 127;

/** Signals that the manager of this process sends for the command. */
const passedOn: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];

/** Signals that a terminal sends to all of its foreground processes, including the command. */
const fromTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** After so many milliseconds, a signal that should have ended this process has had no effect. */
const deadlyMs = 1_000;

/** What a command gets from us. */
export interface CommandParts {
  /** Variables besides our own. */
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors of our caller that Node would close. */
  readonly callers: readonly number[];
  /** Inherited at a number that programs do not use. */
  readonly descriptor: CommandDescriptor;
}

/** Runs a command to its end, with all descriptors of our caller, and passes our signals on. */
export function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  { env, callers, descriptor }: CommandParts,
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    // Signals that arrive from now on are for the command, even before it has started.
    let child: ChildProcess | undefined;
    const release = relay((signal) => child?.kill(signal));
    const fail = (error: unknown): void => {
      release();
      descriptor.over();
      reject(cannotRun(command, error));
    };
    try {
      child = spawn(command, args, {
        stdio: stdioOf(callers, descriptor),
        env: { ...process.env, ...env },
      });
    } catch (error) {
      fail(error);
      return;
    }
    descriptor.given();
    child.once('error', fail);
    child.once('exit', (code, signal) => {
      release();
      descriptor.over();
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
  });
}

/** Ignored numbers stay as they are: Node's own are closed on exec, and our caller's are inherited. */
function stdioOf(callers: readonly number[], { fd }: CommandDescriptor): (number | 'inherit' | 'ignore')[] {
  const given = new Map(callers.map((each) => [each, each]));
  const at = fd === undefined ? undefined : remoteNumber();
  if (fd !== undefined && at !== undefined) given.set(at, fd);
  const last = Math.max(2, ...given.keys());
  return Array.from({ length: last + 1 }, (_, each) => (each < 3 ? 'inherit' : (given.get(each) ?? 'ignore')));
}

/** Ends this process in the same way as its command ended. */
export async function endAs(end: CommandEnd): Promise<void> {
  if (end.kind === 'exited') {
    process.exitCode = end.code;
    return;
  }
  // Node ignores some signals, and `nohup` others. Adding and removing a listener restores their default action.
  if (end.signal !== 'SIGKILL') process.on(end.signal, ignore).off(end.signal, ignore);
  process.kill(process.pid, end.signal);
  // Some signals that ended the command do not end this process: then the exit status must show it.
  await new Promise((resolve) => setTimeout(resolve, deadlyMs));
  process.exitCode = 128 + constants.signals[end.signal];
}

function ignore(): void {}

/** Calls `pass` for each signal of the command. Returns a function that undoes that. */
function relay(pass: (signal: NodeJS.Signals) => void): () => void {
  // With a terminal the command gets them directly, and must not get them twice. We outlive them, for its status.
  const interactive = [0, 1, 2].some((fd) => isatty(fd));
  const handlers = new Map<NodeJS.Signals, () => void>();
  for (const signal of passedOn) handlers.set(signal, () => pass(signal));
  for (const signal of fromTerminal) handlers.set(signal, interactive ? ignore : () => pass(signal));
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function cannotRun(command: string, error: unknown): CliError {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') {
    return new CliError(`Cannot run ${quote(command)}: there is no such program; check its name, and PATH`, {
      status: notFound,
    });
  }
  const why = errno === 'EACCES' ? 'it is not an executable file' : `the system refused with ${errno ?? String(error)}`;
  return new CliError(`Cannot run ${quote(command)}: ${why}`, { status: notExecutable });
}
