import { spawnSync } from 'node:child_process';
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
  /** When it began: together with the pid it tells a process from a later one with the same number. */
  readonly start: string;
  /** Whether it was stopped, as by SIGSTOP or a debugger. */
  readonly stopped: boolean;
  /** Whether it has ended, and only waits for its parent to ask how. Its pid is taken until then. */
  readonly ended: boolean;
}

/** Every process that we can see, with those that came or went meanwhile or without them. */
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

/** One process; undefined if there is none of that number, or nobody tells. */
export function processEntry(pid: number): ProcessEntry | undefined {
  return namesInProc() === undefined ? parsePs(ps('-p', String(pid)))[0] : entryInProc(pid);
}

/** When a process began, as {@link ProcessEntry.start} has it; to be kept in a record. Undefined if it is gone. */
export function startOf(pid: number): string | undefined {
  return processEntry(pid)?.start;
}

/** Reads `/proc/<pid>/stat`; undefined for what is not one. */
export function parseStat(text: string): ProcessEntry | undefined {
  const fields = statFields(text);
  const [state, , group, session] = fields;
  const threads = Number(fields[17]);
  const start = fields[startField];
  if (state === undefined || start === undefined) return undefined;
  // A process whose first thread has ended looks like a zombie, but lives on in the others.
  const ended = state === 'X' || state === 'x' || (state === 'Z' && threads <= 1);
  const stopped = state === 'T' || state === 't';
  return { pid: Number.parseInt(text, 10), group: Number(group), session: Number(session), start, stopped, ended };
}

/** Reads what `ps -o pid= -o pgid= -o stat= -o lstart=` prints. */
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

/** What lies in /proc; undefined where there is none, as on macOS, or where we may not look. */
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
  // The same moment must read the same in every environment.
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' };
  const { stdout } = spawnSync('ps', args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: processTableTimeoutMs,
  });
  return stdout ?? '';
}
