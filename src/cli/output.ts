import { styleText } from 'node:util';
import { errnoOf } from '../errors/system.js';
import { printable, printableJson } from '../printable.js';

/** What can be said with colour. */
export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Exit status when what a command has to say cannot be written. */
const unwritable = 1;

/** Colours a text for a stream, if that is a terminal that has colours; NO_COLOR and FORCE_COLOR are Node's to judge. */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return stream.isTTY === true && stream.hasColors() ? styleText(style, text, { validateStream: false }) : text;
}

/** Writes a line to stdout. */
export function print(text: string): void {
  void write(`${text}\n`);
}

/** Writes to stdout, and resolves when that is passed on. If it cannot be written, the process ends. */
export function write(text: string | Uint8Array): Promise<void> {
  const stream = watched('stdout', endUnwritten);
  return new Promise((resolve) => {
    stream.write(text, (error) => {
      if (!error) resolve();
    });
  });
}

/** Writes a value as JSON to stdout; what is not known is null, so that every key is always there. */
export function printJson(value: unknown): void {
  print(printableJson(JSON.stringify(value, (_, each: unknown) => (each === undefined ? null : each), 2)));
}

/** Writes a line to stderr, and what follows it, indented. */
export function tell(message: string, lines: readonly string[] = []): void {
  errorOutput().write(
    [`sockref: ${printable(message)}`, ...lines.map((line) => `  ${printable(line)}`), ''].join('\n'),
  );
}

/** stderr. What cannot be written there can be said nowhere, and ends nothing: `run` still has its command. */
export function errorOutput(): NodeJS.WriteStream {
  return watched('stderr', () => {});
}

/** Says in a line why stdout takes nothing more. */
export function tellUnwritable(error: Error): void {
  const errno = errnoOf(error);
  const advice =
    errno === 'ENOSPC' || errno === 'EDQUOT' ? 'make room there, or write to another place' : 'see where it leads to';
  tell(`Cannot write to stdout: ${errno === undefined ? error.message : `it failed with ${errno}`}; ${advice}`);
}

/**
 * A reader that leaves, as in `sockref ls | head -1`, has all that it wants: the status is what it is without that, so that
 * `doctor` still tells of problems. Nobody misses the rest.
 */
function endUnwritten(error: Error): never {
  if (errnoOf(error) === 'EPIPE') process.exit();
  tellUnwritable(error);
  process.exit(unwritable);
}

const watchedStreams = new Set<string>();

/** A stream of this process, with something that hears of its failure. Not touched before it is used: that takes its time. */
function watched(name: 'stdout' | 'stderr', failed: (error: Error) => void): NodeJS.WriteStream {
  const stream = process[name];
  if (!watchedStreams.has(name)) stream.on('error', failed);
  watchedStreams.add(name);
  return stream;
}

/** `1 reference`, `2 references`. */
export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
