import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import './interrupted.mjs';
import { endProcessesOf } from './processes.mjs';

/**
 * Runs a lab in its own directory. Afterwards removes the directory and ends all processes that were started meanwhile,
 * even after a failure.
 *
 * @template Value
 * @param {(directory: string) => Promise<Value>} run
 */
export async function inDirectory(run) {
  const directory = mkdtempSync(join(tmpdir(), 'sockref-lab-'));
  // Without the path, by which labs look for what was left behind: all that is started from here has the name, be it in
  // a group of its own, started by others, or stopped.
  const name = basename(directory);
  process.env['SOCKREF_LAB'] = name;
  const end = () => {
    endProcessesOf(name);
    rmSync(directory, { recursive: true, force: true });
  };
  // Also when the lab is interrupted.
  process.on('exit', end);
  endWithParent();
  try {
    return await run(directory);
  } finally {
    process.off('exit', end);
    end();
  }
}

/**
 * A process that started the lab with a channel needs no result once it has ended or was killed: then the lab ends,
 * too.
 */
function endWithParent() {
  process.on('disconnect', () => process.exit(1));
  // The channel must not keep the process alive when the lab is over.
  process.channel?.unref();
}
