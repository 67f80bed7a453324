import { readFileSync } from 'node:fs';

let known: number | undefined;

/** How many descriptors this process may have open; infinity where the system does not tell by a file. */
export function descriptorLimit(): number {
  known ??= read();
  return known ?? Number.POSITIVE_INFINITY;
}

function read(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    // No /proc, or no descriptor left for it: asked again the next time.
    return undefined;
  }
}
