import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The processes that have to do with a directory, this one left out: it is named in their command, in the environment
 * that they were started with, or by something that they have open.
 */
export function processesOf(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && mentions(`/proc/${pid}`, directory));
}

function mentions(entry: string, directory: string): boolean {
  const texts = ['cmdline', 'environ'].map((name) => () => readFileSync(`${entry}/${name}`, 'latin1'));
  const links = ['cwd', ...list(`${entry}/fd`).map((fd) => `fd/${fd}`)].map(
    (name) => () => readlinkSync(`${entry}/${name}`),
  );
  return [...texts, ...links].some((read) => attempt(read)?.includes(directory));
}

function list(folder: string): string[] {
  return attempt(() => readdirSync(folder)) ?? [];
}

/** Undefined for what has ended meanwhile, and for what is somebody else's. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
