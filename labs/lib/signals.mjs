/**
 * Sends signals, and waits for their effect. Until a signal is delivered, which takes long on a busy machine, its receiver
 * continues.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { processEntry } from '#src/processes/table.js';
import { until } from './until.mjs';

/** A watchdog, not a measure. */
const watchdogMs = 120_000;

/**
 * Stops a process by SIGSTOP, and waits until all of its threads have stopped.
 *
 * @param {number} pid
 */
export async function stop(pid) {
  process.kill(pid, 'SIGSTOP');
  if (!(await until(() => threadStates(pid).every((state) => 'tT'.includes(state)), watchdogMs))) {
    throw new Error(`Process ${pid} does not stop`);
  }
}

/**
 * Kills processes by SIGKILL, all at once, and waits until each of them has ended. One that is gone already is no failure.
 *
 * @param {number[]} pids
 */
export async function kill(...pids) {
  for (const pid of pids.filter(lives)) send(pid);
  for (const pid of pids) {
    if (!(await until(() => !lives(pid), watchdogMs))) throw new Error(`Process ${pid} does not end`);
  }
}

/** @param {number} pid */
function send(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** @param {number} pid */
function lives(pid) {
  return processEntry(pid)?.ended === false;
}

/** @param {number} pid */
function threadStates(pid) {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    // The name before it may contain spaces and parentheses.
    return stat.charAt(stat.lastIndexOf(')') + 2);
  });
}
