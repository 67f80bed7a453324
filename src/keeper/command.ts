import { placeholders } from '../serving/placeholders.js';

/** Where a server has to listen. */
export interface ListenPlace {
  /** The path of its socket. */
  readonly socket: string;
  /** The directory of that. */
  readonly dir: string;
}

const inBraces = new RegExp(`\\{(${placeholders.join('|')})\\}`, 'g');

/** Puts the place into the arguments of a command: `{socket}` and `{dir}`, wherever they stand. Nothing else is special. */
export function expandCommand(command: readonly string[], place: ListenPlace): string[] {
  return command.map((word) => word.replace(inBraces, (_, name: keyof ListenPlace) => place[name]));
}
