/** The words in a command that stand for the place where the server must listen. */
export const placeholders = ['socket', 'dir'] as const;

const known = new RegExp(`\\{(${placeholders.join('|')})\\}`);

/** A word in braces, but not a shell's `${word}` and not a template's `{{word}}`. */
const inBraces = /(?<![${\\])\{([A-Za-z_-]+)\}(?!\})/g;

/** Likely misspellings of each placeholder, but no words that programs use in braces themselves. */
const misspelt: Readonly<Record<string, readonly string[]>> = {
  socket: [
    ...['sock', 'socks', 'sockets', 'socke', 'socet', 'soket', 'scoket', 'sokcet', 'sockte', 'socktet', 'sockett'],
    ...['socketpath', 'socket_path', 'socket-path', 'sockpath', 'sock_path', 'sock-path', 'unixsocket', 'unix_socket'],
  ],
  dir: ['dirs', 'directory', 'folder', 'socketdir', 'socket_dir', 'socket-dir', 'sockdir', 'sock_dir', 'sock-dir'],
};

/**
 * Finds a word in braces that looks like a misspelt placeholder. It looks only if the command has no placeholder: then
 * the server is probably not told where to listen. Beside a placeholder, other braces probably mean themselves.
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
