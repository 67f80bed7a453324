import { readdirSync } from 'node:fs';
import { processTableTimeoutMs } from '../protocol/constants.js';
import { readStat, startField, statFields } from './proc-stat.js';

/** A process, as the system lists it. */
export interface ProcessEntry {
  readonly pid: number;
  /** Its process group. */
  readonly group: number;
  /** Its session; undefined where the system does not tell. */
  readonly session: number | undefined;
  /** When it started. Together with the pid it distinguishes a process from a later one with the same pid. */
  readonly start: string;
  /** Whether it was stopped, for example by SIGSTOP or a debugger. */
  readonly stopped: boolean;
  /** Whether it has ended and only waits for its parent to read its status. Until then its pid is not reused. */
  readonly ended: boolean;
}

/** Every visible process. Processes that start or end during the look may be missing. */
export function processTable(): ProcessEntry[] {
  const names = namesInProc();
  if (names === undefined) return parsePs(ps('-A'));
  const entries: ProcessEntry[] = [];
  for (const name of names) {
    const entry = /^\d+$/.test(name) ? entryInProc(Number(name)) : undefined;
    if (entry) entries.push(entry);
  }
  return entries;
}

/** One process; undefined if no process has that pid, or the system does not tell. */
export function processEntry(pid: number): ProcessEntry | undefined {
  return namesInProc() === undefined ? parsePs(ps('-p', String(pid)))[0] : entryInProc(pid);
}

/** When a process started, as {@link ProcessEntry.start}, for a record. Undefined if it is gone. */
export function startOf(pid: number): string | undefined {
  return processEntry(pid)?.start;
}

/** Parses `/proc/<pid>/stat`; undefined if the text is something else. */
export function parseStat(text: string): ProcessEntry | undefined {
  const fields = statFields(text);
  const [state, , group, session] = fields;
  const threads = Number(fields[17]);
  const start = fields[startField];
  if (state === undefined || start === undefined) return undefined;
  // A process whose first thread has ended looks like a zombie, but its other threads are alive.
  const ended = state === 'X' || state === 'x' || (state === 'Z' && threads <= 1);
  const stopped = state === 'T' || state === 't';
  return { pid: Number.parseInt(text, 10), group: Number(group), session: Number(session), start, stopped, ended };
}

/** Parses the output of `ps -o pid= -o pgid= -o stat= -o lstart=`. */
export function parsePs(text: string): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const line of text.split('\n')) {
    const [, pid, group, state, start] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (!state || !start) continue;
    entries.push({
      pid: Number(pid),
      group: Number(group),
      session: undefined,
      start,
      stopped: state.startsWith('T'),
      ended: state.startsWith('Z') || state.startsWith('X'),
    });
  }
  return entries;
}

/** The names in /proc; undefined where there is none, as on macOS, or without permission. */
function namesInProc(): string[] | undefined {
  try {
    const names = readdirSync('/proc');
    return names.includes('self') ? names : undefined;
  } catch {
    return undefined;
  }
}

function entryInProc(pid: number): ProcessEntry | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : parseStat(stat);
}

function ps(...which: string[]): string {
  const args = [...which, '-o', 'pid=', '-o', 'pgid=', '-o', 'stat=', '-o', 'lstart='];
  // The same moment must have the same text in every environment.
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  // Loaded at first use: an import of this package would take longer with it.
  const { stdout } = process.getBuiltinModule('node:child_process').spawnSync('ps', args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: processTableTimeoutMs,
  });
  return stdout ?? '';
}
