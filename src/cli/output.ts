import { styleText } from 'node:util';
import { safe } from './safe.js';

/** What can be said with colour. */
export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Colours a text for a stream, if that is a terminal that has colours; NO_COLOR and FORCE_COLOR are Node's to judge. */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return stream.isTTY === true && stream.hasColors() ? styleText(style, text, { validateStream: false }) : text;
}

/** Writes a line to stdout. */
export function print(text: string): void {
  void write(`${text}\n`);
}

/** Writes to stdout, and resolves when that is passed on. Whoever reads it may leave at any time, as in `sockref ls | head -1`. */
export function write(text: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      if (!error) resolve();
      else if (error.code === 'EPIPE') process.exit();
      else reject(error);
    });
  });
}

/** Writes a value as JSON to stdout; what is not known is null, so that every key is always there. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, (_, each: unknown) => (each === undefined ? null : each), 2));
}

/** Writes a line to stderr, and what follows it, indented. */
export function tell(message: string, lines: readonly string[] = []): void {
  process.stderr.write([`sockref: ${safe(message)}`, ...lines.map((line) => `  ${safe(line)}`), ''].join('\n'));
}

/** `1 reference`, `2 references`. */
export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
