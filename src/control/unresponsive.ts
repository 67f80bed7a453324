import { SocketReferenceError } from '../errors/error.js';
import { processEntry } from '../processes/table.js';

/**
 * What the system says about a process that does not answer, and what to do about it. It is looked up and never
 * guessed: a process that is only busy must not be killed as dead.
 *
 * @param start - the start time of the process, if known: its pid may belong to another process by now, or here
 */
export function stateOfOwner(pid: number, start: string | undefined): string {
  const entry = processEntry(pid);
  if (!entry || entry.ended || (start !== undefined && entry.start !== start)) {
    return 'its state cannot be seen from here; look at it where it runs, and wait longer if it is busy';
  }
  if (entry.stopped) return `it is stopped; continue it with kill -CONT ${pid}, or end it with kill -KILL ${pid}`;
  return 'it runs, and is busy or cannot accept another connection; wait longer, or look at what it does';
}

/** The error of a caller that got no answer from a living owner within its time. */
export function unresponsive(
  path: string,
  what: string,
  timeoutMs: number,
  { pid, start }: { readonly pid: number; readonly start?: string | undefined },
): SocketReferenceError {
  const message = `The owner of ${path} (pid ${pid}) ${what}; ${stateOfOwner(pid, start)}`;
  return new SocketReferenceError('ERR_SOCKREF_OWNER_UNRESPONSIVE', message, { path, pid, timeoutMs });
}
