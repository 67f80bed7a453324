import { readFileSync } from 'node:fs';

/** The content of `/proc/<pid>/stat`; undefined without /proc, without such a process, or without permission. */
export function readStat(pid: number | 'self'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
}

/**
 * The fields from the third on. The name in field 2 may contain spaces and parentheses, so count from its last
 * parenthesis.
 */
export function statFields(text: string): string[] {
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** The index of the start time in {@link statFields}, in the kernel's ticks. */
export const startField = 19;
