/** All copies of the package in a thread find the same list by this name. */
const key = Symbol.for('sockref.atExit');

/**
 * Calls when this process or worker exits. All copies of the package share one listener, because Node warns of a leak
 * from the eleventh listener on and a test runner may load a copy for each file. A call must not throw.
 */
export function atExit(call: () => void): void {
  const host = process as { [key]?: (() => void)[] };
  const calls = host[key];
  if (calls) {
    calls.push(call);
    return;
  }
  const first = [call];
  Object.defineProperty(process, key, { value: first });
  process.on('exit', () => {
    for (const each of first) each();
  });
}
