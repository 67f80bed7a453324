/** A server that is run as a command: what it is, and which of its kind live. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processesOf } from './processes.mjs';

const source = fileURLToPath(new URL('server.c', import.meta.url));
/** What the kernel shows as the name of its processes. */
const name = 'labserver';

/**
 * Compiles the smallest server there is into a directory. Linked statically it starts fastest.
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
 * The living servers that use a directory, whichever process runs them.
 *
 * @param {string} directory
 */
export function serversOf(directory) {
  return processesOf(directory).filter(isServer);
}

/**
 * Whether a process is such a server: not the shell that is going to become one.
 *
 * @param {number} pid
 */
function isServer(pid) {
  try {
    // Of one that has ended, and was not waited for yet, the command is gone.
    return (
      readFileSync(`/proc/${pid}/comm`, 'latin1') === `${name}\n` && readFileSync(`/proc/${pid}/cmdline`).length > 0
    );
  } catch {
    return false;
  }
}
