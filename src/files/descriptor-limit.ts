import { readFileSync } from 'node:fs';

let known: number | undefined;

/** How many descriptors this process may have open; infinity where no file tells it. */
export function descriptorLimit(): number {
  known ??= read();
  return known ?? Number.POSITIVE_INFINITY;
}

function read(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // No /proc, or no free descriptor to read it: try again the next time.
    return undefined;
  }
}
