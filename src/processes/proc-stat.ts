import { readFileSync } from 'node:fs';

/** What `/proc/<pid>/stat` says; undefined where there is no /proc, or no such process, or we may not look. */
export function readStat(pid: number | 'self'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
}

/** The fields from the third on. The name in field 2 may hold spaces and parentheses, so count from behind its last one. */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Where the start of a process stands in {@link statFields}, in the kernel's ticks. */
export const startField = 19;
