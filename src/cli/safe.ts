/** A text of foreign origin, such as a label: on one line, and without anything that a terminal obeys. */
export function safe(text: string): string {
  return text.replace(/(?!\t)[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}
