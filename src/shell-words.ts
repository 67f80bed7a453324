import { printable } from './printable.js';

/** Words that no shell changes. The places in a command are such; braces with a comma in them are not. */
const plain = /^(?:[\w@%+:,./-]|\{socket\}|\{dir\})+$/;

/** What can follow in a word that begins a command, but would be an assignment there. */
const plainArgument = /^(?:[\w@%+=:,./-]|\{socket\}|\{dir\})+$/;

/** What no quotes but `$'…'` show. */
const needsEscapes = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** A command as a text that can be pasted into a shell, or behind `--serve`, and means the same words there. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word, at) => shellWord(word, at > 0)).join(' ');
}

function shellWord(word: string, isArgument: boolean): string {
  if ((isArgument ? plainArgument : plain).test(word)) return word;
  if (needsEscapes.test(word)) {
    const escaped = word.replace(/[\\']/g, '\\$&').replaceAll('\t', '\\t');
    return `$'${printable(escaped)}'`;
  }
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Characters of a command that a message shows at most. */
const maxShown = 120;

/** A command for a message. What is cut off is shown to be. */
export function shownCommand(words: readonly string[]): string {
  const text = shellCommand(words);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
