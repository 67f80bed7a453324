/** Whether this is a nightly run. */
export const isNightly = process.env['SOCKREF_NIGHTLY'] === '1';

/** How many rounds to play: the full number in a nightly run, where an hour does not matter. */
export function rounds(usual: number, full: number): number {
  return isNightly ? full : usual;
}
