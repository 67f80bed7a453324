import type { Command } from 'commander';

/** What a module in `commands/` exports. */
interface CommandModule {
  /**
   * Adds options, arguments and the action.
   *
   * @param behindDashes - what followed `--`, for a command that runs another one
   */
  define(command: Command, behindDashes: readonly string[]): void;
}

interface CommandEntry {
  readonly summary: string;
  /** Whether a command of the user follows after `--`. */
  readonly takesCommand: boolean;
  load(): Promise<CommandModule>;
}

const entries = {
  run: {
    summary: 'run a command while holding a reference; the first one starts the server',
    takesCommand: true,
    load: () => import('./commands/run.js'),
  },
  ls: {
    summary: 'list the sockets of a directory',
    takesCommand: false,
    load: () => import('./commands/ls.js'),
  },
  inspect: {
    summary: 'show one socket with all its holders',
    takesCommand: false,
    load: () => import('./commands/inspect.js'),
  },
  connect: {
    summary: 'connect stdin and stdout to a socket, holding a reference',
    takesCommand: false,
    load: () => import('./commands/connect.js'),
  },
  stop: {
    summary: 'stop a socket when it is unused, or now',
    takesCommand: false,
    load: () => import('./commands/stop.js'),
  },
  logs: {
    summary: "print what a socket's server has written",
    takesCommand: false,
    load: () => import('./commands/logs.js'),
  },
  doctor: {
    summary: 'look for unsafe directories, leftovers and owners that do not answer',
    takesCommand: false,
    load: () => import('./commands/doctor.js'),
  },
} satisfies Record<string, CommandEntry>;

export type CommandName = keyof typeof entries;

/** Every command, in the order of the help. A module is loaded only when its command is used, to start fast. */
export const commands: Readonly<Record<CommandName, CommandEntry>> = entries;

/** Whether there is a command with this name. */
export function isCommand(name: string | undefined): name is CommandName {
  return name !== undefined && Object.hasOwn(commands, name);
}
