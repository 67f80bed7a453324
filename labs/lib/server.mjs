/** A server that a keeper runs as a command, and how to find its living processes. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processesOf } from './processes.mjs';

const source = fileURLToPath(new URL('server.c', import.meta.url));
/** The name of its processes in the kernel. */
const name = 'labserver';

/**
 * Compiles the smallest server into a directory. A static program starts fastest.
 *
 * @param {string} directory
 * @returns {string} the program; its first argument is where it listens, its second a file that it adds its pid to
 */
export function compileServer(directory) {
  const program = join(directory, name);
  execFileSync('cc', ['-O1', '-static', '-o', program, source]);
  return program;
}

/**
 * The living servers that use a directory, of any keeper.
 *
 * @param {string} directory
 */
export function serversOf(directory) {
  return processesOf(directory).filter(isServer);
}

/**
 * Whether a process is such a server, and not the shell that will become one.
 *
 * @param {number} pid
 */
function isServer(pid) {
  try {
    // A process that has ended has no command any more, even if its parent has not read its status yet.
    return (
      readFileSync(`/proc/${pid}/comm`, 'latin1') === `${name}\n` && readFileSync(`/proc/${pid}/cmdline`).length > 0
    );
  } catch {
    return false;
  }
}
