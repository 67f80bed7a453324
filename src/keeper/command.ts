import { placeholders } from '../serving/placeholders.js';

/** The place where a server must listen. */
export interface ListenPlace {
  /** The path of its socket. */
  readonly socket: string;
  /** The directory of that path. */
  readonly dir: string;
}

const inBraces = new RegExp(`\\{(${placeholders.join('|')})\\}`, 'g');

/** Replaces `{socket}` and `{dir}` in the arguments of a command, wherever they are. Nothing else is special. */
export function expandCommand(command: readonly string[], place: ListenPlace): string[] {
  return command.map((word) => word.replace(inBraces, (_, name: keyof ListenPlace) => place[name]));
}
