import type { Command } from 'commander';
import { quote } from '../errors/error.js';
import { shellCommand } from '../shell-words.js';
import { UsageError } from './failure.js';

/** Refuses a second argument: every command takes at most one. */
export function assertOperands(command: Command): void {
  const { args } = command;
  if (args.length <= 1) return;
  const name = command.name();
  throw new UsageError(`${name} takes one argument, and got ${args.map(quote).join(' ')}; see sockref ${name} --help`);
}

/**
 * Refuses a command of the user without two dashes before it, and shows the correct command line.
 *
 * @param command - the defined command that takes one
 * @param args - the whole command line, which begins with its name
 */
export function assertSeparated(command: Command, args: readonly string[]): void {
  const start = beginningOf(command, args);
  if (start === undefined) return;
  const separated = shellCommand(['sockref', ...args.slice(0, start), '--', ...args.slice(start)]);
  if (!args.includes('--')) throw new UsageError(`put -- before the command: ${separated}`);
  const name = command.name();
  throw new UsageError(
    `${name} takes one name before --, and got ${quote(args[start])} too; if the command begins with that: ${separated}`,
  );
}

/** The index of the second operand, if it comes before the dashes and before any error that is reported elsewhere. */
function beginningOf(command: Command, args: readonly string[]): number | undefined {
  if (args[0] !== command.name()) return undefined;
  const dashes = args.indexOf('--');
  const end = dashes === -1 ? args.length : dashes;
  let operands = 0;
  for (let at = 1; at < end; at++) {
    const word = args[at] ?? '';
    if (!word.startsWith('-') || word === '-') {
      operands++;
      if (operands === 2) return at;
      continue;
    }
    const [flag] = word.split('=', 1);
    const option = command.options.find(({ short, long }) => flag === short || flag === long);
    // Unknown, or the help option.
    if (!option) return undefined;
    if ((option.required || option.optional) && !word.includes('=')) at++;
  }
  return undefined;
}
