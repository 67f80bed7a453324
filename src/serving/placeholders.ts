/** What stands in a command for where it has to listen. */
export const placeholders = ['socket', 'dir'] as const;

const known = new RegExp(`\\{(${placeholders.join('|')})\\}`);

/** A word in braces; not `${word}` of a shell, and not one in two braces, as templates have them. */
const inBraces = /(?<![${\\])\{([A-Za-z_-]+)\}(?!\})/g;

/** What is meant by these, and not by any program that has words in braces. */
const misspelt: Readonly<Record<string, readonly string[]>> = {
  socket: [
    ...['sock', 'socks', 'sockets', 'socke', 'socet', 'soket', 'scoket', 'sokcet', 'sockte', 'socktet', 'sockett'],
    ...['socketpath', 'socket_path', 'socket-path', 'sockpath', 'sock_path', 'sock-path', 'unixsocket', 'unix_socket'],
  ],
  dir: ['dirs', 'directory', 'folder', 'socketdir', 'socket_dir', 'socket-dir', 'sockdir', 'sock_dir', 'sock-dir'],
};

/**
 * A word in braces that stands for nothing and was meant to. Only where no placeholder is in the command at all: then the server
 * is likely not to be told where to listen, while braces beside a placeholder are likely to be meant as they are.
 */
export function misspeltPlaceholder(command: readonly string[]): { given: string; meant: string } | undefined {
  if (command.some((word) => known.test(word))) return undefined;
  for (const word of command) {
    for (const [, given = ''] of word.matchAll(inBraces)) {
      const name = given.toLowerCase();
      const meant = placeholders.find((each) => each === name || misspelt[each]?.includes(name));
      if (meant !== undefined) return { given: `{${given}}`, meant: `{${meant}}` };
    }
  }
  return undefined;
}
