import { printable } from './printable.js';

/** Words that no shell changes. A placeholder in a command is such a word; braces with a comma in them are not. */
const plain = /^(?:[\w@%+:,./-]|\{socket\}|\{dir\})+$/;

/** Words that are safe as arguments, but would be an assignment at the start of a command. */
const plainArgument = /^(?:[\w@%+=:,./-]|\{socket\}|\{dir\})+$/;

/** What only `$'…'` quotes can show. */
const needsEscapes = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** Turns a command into a text that means the same words in a shell and behind `--serve`. */
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

/** How many characters of a command a message shows. */
const maxShown = 120;

/** A command for a message. An ellipsis shows that it was cut. */
export function shownCommand(words: readonly string[]): string {
  const text = shellCommand(words);
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}
