// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.

import { constants } from 'node:os';
import * as v from 'valibot';
import { maxTimerMs } from './constants.js';

const { signals } = constants;
/** A whole number from −(2^53 − 1) to 2^53 − 1. */
const integer = v.pipe(v.number(), v.safeInteger());
/** A whole number from 1 to 2^53 − 1. */
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** A string. */
const text = v.string();
/** Any number. */
const number = v.number();
/** The name of a private directory. */
const privateName = v.pipe(v.string(), v.regex(/^\.sr-[0-9a-f]{16}$/u));
/** A name in the same directory: no separator, not `.` or `..`. */
const fileName = v.pipe(v.string(), v.regex(/^(?!\.{1,2}$)[^/\0]+$/u));
/** The identity of a socket file, as decimal digits. */
const identity = v.object({ dev: text, ino: text, birth: text });
/** A socket that has a name. */
const published = v.object({ name: fileName, file: identity });
/** A process group, 2 or more: 0 and 1 mean the reader's own group, and every process. */
const group = v.pipe(v.number(), v.safeInteger(), v.minValue(2));
/** The name of a signal; any other value, or none, counts as SIGTERM. */
const signal = v.fallback(v.picklist(Object.keys(signals) as NodeJS.Signals[]), 'SIGTERM');
/** Milliseconds, at most `maxTimerMs`. */
const duration = v.pipe(v.number(), v.minValue(0), v.maxValue(maxTimerMs));
/** The processes of a server, and how to end them. */
const serverProcesses = v.object({
  pgid: group,
  start: v.optional(text),
  leash: v.optional(text),
  signal: signal,
  graceMs: duration,
});
/** True. */
const yes = v.literal(true);
/** A line of the record: begins the record. */
export const headerLine = v.object({ sockref: integer, pid: positive, start: v.optional(text), since: number });
/** A line of the record: a private directory that may exist. */
export const temporaryLine = v.object({ temporary: privateName });
/** A line of the record: a socket that may have its name. */
export const publishedLine = v.object({ published: published });
/** A line of the record: a server that a keeper runs. */
export const serverLine = v.object({ server: serverProcesses });
/** A line of the record: the owner is ending, and waits for open connections. */
export const stoppingLine = v.object({ stopping: yes });
