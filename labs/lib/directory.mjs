import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs a lab in a directory of its own, which goes with all that is in it, whatever happens.
 *
 * @template Value
 * @param {(directory: string) => Promise<Value>} run
 */
export async function inDirectory(run) {
  const directory = mkdtempSync(join(tmpdir(), 'sockref-lab-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // Also when the lab is interrupted.
  process.on('exit', remove);
  try {
    return await run(directory);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
