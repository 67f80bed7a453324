/**
 * What a terminal obeys or does not show: control characters (C0, C1), and characters that change the writing
 * direction.
 */
const hidden = /(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The same, without what JSON needs for its layout; inside strings `JSON.stringify` has escaped the rest. */
const hiddenInJson = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

/**
 * Makes a foreign text, such as a path or a label, safe to print: on one line, with escapes for everything that a
 * terminal would obey.
 */
export function printable(text: string): string {
  return text.replace(hidden, (letter) => short[letter] ?? escaped(letter));
}

/** JSON of the same value that contains nothing that a terminal would obey. */
export function printableJson(json: string): string {
  return json.replace(hiddenInJson, escaped);
}

/** As in JSON: a character of two code units becomes two escapes. */
function escaped(letter: string): string {
  let text = '';
  for (let at = 0; at < letter.length; at++) text += `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}
