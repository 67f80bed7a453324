/** What a terminal obeys or does not show: control characters (C0, C1), and those that change the direction of writing. */
const hidden = /(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The same, without what the layout of JSON needs; inside of its strings `JSON.stringify` has escaped the rest. */
const hiddenInJson = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r' };

/** A text of foreign origin, such as a path or a label: on one line, and with escapes for whatever a terminal would obey. */
export function printable(text: string): string {
  return text.replace(hidden, (letter) => short[letter] ?? escaped(letter));
}

/** JSON of the same value, in which nothing is left that a terminal would obey. */
export function printableJson(json: string): string {
  return json.replace(hiddenInJson, escaped);
}

/** As JSON writes it: an escape for each half of what has two. */
function escaped(letter: string): string {
  let text = '';
  for (let at = 0; at < letter.length; at++) text += `\\u${letter.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}
