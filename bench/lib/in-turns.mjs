// @ts-check

/** How many are begun at once. */
const atOnce = 50;

/**
 * Does something so many times, some at once.
 *
 * @param {number} count
 * @param {() => Promise<void>} work
 */
export async function inTurns(count, work) {
  let left = count;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await work();
    }),
  );
}
