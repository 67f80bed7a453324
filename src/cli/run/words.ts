import { split } from 'shlex';
import { quote } from '../../errors/error.js';
import { UsageError } from '../failure.js';

/**
 * Splits a command line into words. Without a shell only quotes and backslashes are special.
 *
 * @param where - the source of the text, for the message
 */
export function wordsOf(text: string, shell: boolean, where: string): readonly string[] {
  if (shell) return ['sh', '-c', text];
  const words = splitWords(text, where);
  if (words.length === 0) throw new UsageError(`${where} is empty; give it a command`);
  return words;
}

function splitWords(text: string, where: string): readonly string[] {
  try {
    return split(text);
  } catch {
    // The only text that cannot be split.
    throw new UsageError(
      `${where} cannot be split into words: a quote is not closed, or nothing follows the last backslash, in ${quote(text)}`,
    );
  }
}
