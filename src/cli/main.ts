import { CommanderError, Command as Program } from 'commander';
import { printable } from '../printable.js';
import { version } from '../version.js';
import { type CommandName, commands, isCommand } from './commands.js';
import { report, usageStatus } from './failure.js';
import { assertOperands, assertSeparated } from './operands.js';
import { errorOutput, write } from './output.js';

/** The start-up time counts here: each command loads what it needs, and only the requested command is loaded. */
async function main(args: readonly string[]): Promise<void> {
  const asked = wanted(args);
  // What follows the dashes belongs to another program, even `--help`.
  const dashes = args.indexOf('--');
  const cut = asked !== undefined && commands[asked].takesCommand && dashes !== -1 ? dashes : args.length;
  process.on('uncaughtException', (error) => process.exit(report(error, asked)));
  try {
    const program = createProgram();
    for (const [name, { summary, load }] of Object.entries(commands)) {
      if (asked !== undefined && name !== asked) continue;
      const command = program.command(name).summary(summary).description(summary);
      if (name !== asked) continue;
      (await load()).define(command.allowExcessArguments(), args.slice(cut + 1));
      if (commands[name].takesCommand) assertSeparated(command, args);
    }
    await program.parseAsync(args.slice(0, cut), { from: 'user' });
  } catch (error) {
    // The library that parses the command line has reported a usage error.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : usageStatus(asked);
    else process.exitCode = report(error, asked);
  }
}

function createProgram(): Program {
  const program = new Program('sockref');
  return program
    .description('Reference-counted Unix domain sockets: the first reference starts the server, the last one stops it.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .enablePositionalOptions()
    .exitOverride()
    .hook('preAction', (_, command) => assertOperands(command))
    .configureOutput({
      writeOut: (text) => void write(text),
      writeErr: (text) => void errorOutput().write(text),
      outputError: (text, say) => {
        const [asked] = program.args;
        const help = isCommand(asked) ? `sockref ${asked} --help` : 'sockref --help';
        say(`sockref: ${printable(inOneLine(text))}; see ${help}\n`);
      },
    })
    .addHelpText(
      'after',
      '\nExample:\n  $ sockref run db.sock --serve "redis-server --port 0 --unixsocket {socket}" -- npm test',
    );
}

/** Joins `error: unknown option '--lable'` and a second line such as `(Did you mean --label?)`. */
function inOneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .replace(/\s*\(Did you mean (.*)\?\)/s, ' (did you mean $1?)')
    .trimEnd();
}

/** The command to run, or to show help for. */
function wanted(args: readonly string[]): CommandName | undefined {
  const name = args[0] === 'help' ? args[1] : args[0];
  return isCommand(name) ? name : undefined;
}

void main(process.argv.slice(2));
