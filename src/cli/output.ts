import { styleText } from 'node:util';
import { errnoOf } from '../errors/system.js';
import { printable, printableJson } from '../printable.js';

/** The styles of a text. */
export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** The exit status when the output cannot be written. */
const unwritable = 1;

/** Colours a text if the stream is a terminal with colours. Node evaluates NO_COLOR and FORCE_COLOR. */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return stream.isTTY === true && stream.hasColors() ? styleText(style, text, { validateStream: false }) : text;
}

/** Writes a line to stdout. */
export function print(text: string): void {
  void write(`${text}\n`);
}

/** Writes to stdout, and resolves when the data is passed on. If it cannot be written, the process ends. */
export function write(text: string | Uint8Array): Promise<void> {
  const stream = watched('stdout', endUnwritten);
  return new Promise((resolve) => {
    stream.write(text, (error) => {
      if (!error) resolve();
    });
  });
}

/** Writes a value as JSON to stdout. Unknown values are null, so that every key is always present. */
export function printJson(value: unknown): void {
  print(printableJson(JSON.stringify(value, (_, each: unknown) => (each === undefined ? null : each), 2)));
}

/** Writes a line to stderr, and further lines below it, indented. */
export function tell(message: string, lines: readonly string[] = []): void {
  errorOutput().write(
    [`sockref: ${printable(message)}`, ...lines.map((line) => `  ${printable(line)}`), ''].join('\n'),
  );
}

/**
 * Returns stderr. If it cannot be written, nothing can be reported, and the process continues: `run` still has its
 * command.
 */
export function errorOutput(): NodeJS.WriteStream {
  return watched('stderr', () => {});
}

/** Reports in one line why stdout cannot be written. */
export function tellUnwritable(error: Error): void {
  const errno = errnoOf(error);
  const advice =
    errno === 'ENOSPC' || errno === 'EDQUOT' ? 'make room there, or write to another place' : 'see where it leads to';
  tell(`Cannot write to stdout: ${errno === undefined ? error.message : `it failed with ${errno}`}; ${advice}`);
}

/**
 * A reader that closes stdout, as in `sockref ls | head -1`, has all that it wants. The status stays what it is, so
 * that `doctor` still reports problems through it.
 */
function endUnwritten(error: Error): never {
  if (errnoOf(error) === 'EPIPE') process.exit();
  tellUnwritable(error);
  process.exit(unwritable);
}

const watchedStreams = new Set<string>();

/** A stream of this process with a handler for its errors. Streams are opened at first use, because that is slow. */
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
