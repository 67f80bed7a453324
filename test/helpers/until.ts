/** Milliseconds until the wait fails. A watchdog, not a measure: only a failure takes so long. */
const watchdogMs = 120_000;

/** Milliseconds between two looks. */
const lookMs = 5;

/**
 * Waits until a condition holds, and resolves to its result. Use it where there is no event, such as for a count that
 * other processes change. Where there is an event, await the event.
 *
 * @param what - what is waited for, in the words of the message when it never comes
 * @param condition - asked again and again; anything truthy ends the waiting
 */
export async function until<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  watchdog = watchdogMs,
): Promise<NonNullable<Value>> {
  const deadline = performance.now() + watchdog;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${watchdog} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
