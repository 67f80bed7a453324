/** Another user, who tries every way to the socket, without a pause. */

import { closeSync, openSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { answer } from '../lib/child.mjs';

/** Attempts under way at once. */
const hands = 8;
/** So many connections are tried for each look at the other files. */
const lookEvery = 16;

/** The results of the attempts: how often each answer came. @type {Record<string, number>} */
let came = {};
let knocking = false;

answer({
  become: (uid) => {
    process.setgroups?.([]);
    process.setgid?.(uid);
    process.setuid?.(uid);
    return process.getuid?.();
  },
  begin: (path) => {
    came = {};
    knocking = true;
    for (let hand = 0; hand < hands; hand++) knock(hand % 4 === 0 ? `${path}.ctl` : path, 0);
  },
  end: () => {
    knocking = false;
    return came;
  },
});

/**
 * @param {string} path
 * @param {number} count
 */
function knock(path, count) {
  if (!knocking) return;
  if (count % lookEvery === 0) look(path);
  const socket = connect({ path });
  socket.once('connect', () => {
    note('connected');
    socket.destroy();
  });
  socket.once('error', (error) => note(codeOf(error)));
  socket.once('close', () => setImmediate(() => knock(path, count + 1)));
}

/**
 * Tries the ways around the front door: the private directories, and the record in the lock file.
 *
 * @param {string} path
 */
function look(path) {
  const directory = dirname(path);
  for (const name of readdirSync(directory)) {
    const at = join(directory, name);
    if (name.startsWith('.sr-')) attempt('private directory', () => readdirSync(at));
    if (name.endsWith('.lock')) attempt('lock file', () => closeSync(openSync(at, 'r')));
  }
}

/**
 * @param {string} what
 * @param {() => unknown} act
 */
function attempt(what, act) {
  try {
    act();
    note(`${what} opened`);
  } catch (error) {
    note(`${what} ${codeOf(error)}`);
  }
}

/** @param {string} what */
function note(what) {
  came[what] = (came[what] ?? 0) + 1;
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
}
