import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { quote } from '../../errors/error.js';
import { errnoOf } from '../../errors/system.js';
import { CliError } from '../failure.js';
import { remoteNumber } from './callers-descriptors.js';
import type { Hold } from './hold.js';

/** How the command ended. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: NodeJS.Signals };

/** Exit statuses of `env` for a command that cannot be run. */
const notExecutable = 126;
const notFound = 127;

/** What whoever manages us means for the command. */
const passedOn: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];

/** What a terminal sends to all of its foreground processes, the command included. */
const fromTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/** Milliseconds after which a signal that was to end us has had no effect. */
const deadlyMs = 1_000;

/** What a command gets of us. */
export interface CommandParts {
  /** Added to our own. */
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors that our caller gave us and Node would close. */
  readonly callers: readonly number[];
  /** Inherited at a number that nobody uses. */
  readonly hold: Hold;
}

/** Runs a command to its end, with all descriptors of our caller, and passes on the signals that we get. */
export function runCommand(
  [command, ...args]: readonly [string, ...string[]],
  { env, callers, hold }: CommandParts,
): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    // Before there is a command: what comes from here on is its.
    let child: ChildProcess | undefined;
    const release = relay((signal) => child?.kill(signal));
    const fail = (error: unknown): void => {
      release();
      hold.over();
      reject(cannotRun(command, error));
    };
    try {
      child = spawn(command, args, {
        stdio: stdioOf(callers, hold),
        env: { ...process.env, ...env },
      });
    } catch (error) {
      fail(error);
      return;
    }
    hold.given();
    child.once('error', fail);
    child.once('exit', (code, signal) => {
      release();
      hold.over();
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal });
    });
  });
}

/** Places that are ignored stay as they are: what Node has there is closed on exec, what our caller has there is passed on. */
function stdioOf(callers: readonly number[], { fd }: Hold): (number | 'inherit' | 'ignore')[] {
  const given = new Map(callers.map((each) => [each, each]));
  const at = fd === undefined ? undefined : remoteNumber();
  if (fd !== undefined && at !== undefined) given.set(at, fd);
  const last = Math.max(2, ...given.keys());
  return Array.from({ length: last + 1 }, (_, each) => (each < 3 ? 'inherit' : (given.get(each) ?? 'ignore')));
}

/** Ends this process as its command ended. */
export async function endAs(end: CommandEnd): Promise<void> {
  if (end.kind === 'exited') {
    process.exitCode = end.code;
    return;
  }
  // Node ignores some, and what `nohup` runs others. To have listened undoes that.
  if (end.signal !== 'SIGKILL') process.on(end.signal, ignore).off(end.signal, ignore);
  process.kill(process.pid, end.signal);
  // Not every signal that ends a process ends ours: then a number has to say it.
  await new Promise((resolve) => setTimeout(resolve, deadlyMs));
  process.exitCode = 128 + constants.signals[end.signal];
}

function ignore(): void {}

/** Calls for each signal that is the command's; returns what ends that. */
function relay(pass: (signal: NodeJS.Signals) => void): () => void {
  // With a terminal they have reached the command already, and would come twice. We outlive them, for its status.
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
