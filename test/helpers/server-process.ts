import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { leashOf, type ServerProcesses, startOf } from '#src/processes/end.js';
import { processEntry } from '#src/processes/table.js';
import { atEnd } from './at-end.js';

/** A program that runs as a keeper runs a server: in a new session, with a leash as descriptor 3. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly server: ServerProcesses & { readonly start: string; readonly leash: string };
  /** The next line that it writes. */
  line(): Promise<string>;
  /** Resolves when it has ended, and was reaped. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Runs a shell script as a server. It begins when its process is known. At the end of the test its group is killed, and
 * the pids that it writes to stdout.
 */
export async function runServer(script: string): Promise<ServerProcess> {
  const child = spawn('sh', ['-c', `read go; ${script}`], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  const pids: number[] = [];
  atEnd(async () => {
    for (const pid of [pgid, ...pids]) for (const target of [-pid, pid]) killIfThere(target);
    child.stdio[3]?.destroy();
    await exited;
  });
  const pgid = child.pid as number;
  const server = { pgid, start: startOf(pgid) as string, leash: leashOf(pgid, 3) as string };
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  child.stdin?.end('\n');
  const line = async () => {
    const { value } = await lines.next();
    if (/^\d+$/.test(value)) pids.push(Number(value));
    return value as string;
  };
  return { child, server, line, exited };
}

/** Whether a process with that pid lives. One that has ended and waits to be reaped does not. */
export function lives(pid: number): boolean {
  return processEntry(pid)?.ended === false;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, like most.
  }
}
