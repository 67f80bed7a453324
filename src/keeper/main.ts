/**
 * The keeper: the process that owns an endpoint whose server is a command. Started by whoever had the lock and handed it
 * over; attached to no terminal, it lives until the last reference is gone.
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../clock.js';
import { isSocketReferenceError, stackOf } from '../errors.js';
import { Directory } from '../files/directory.js';
import { EndpointLock } from '../files/lock.js';
import { joinPath } from '../files/paths.js';
import type { KeeperAnswer, KeeperTask } from '../sharing/hire.js';
import { closeInherited, keeperDescriptors } from '../sharing/keeper-descriptors.js';
import type { LeaseEvents } from '../sharing/lease.js';
import { endpointNames } from '../sharing/names.js';
import { Owner } from '../sharing/owner.js';
import type { Place, Surroundings } from '../sharing/settings.js';
import { systemError } from '../system-errors.js';
import { CommandService } from './command-service.js';
import { Journal } from './journal.js';
import { LogFile, watch } from './log.js';
import { logFiles } from './log-place.js';

/** How long what is left at the end may take, in milliseconds: last words to members that do not read them. */
const lastWordsMs = 15_000;

closeInherited();
const task = readTask();
// Whoever was to tell it died in the middle: the lock goes with us.
if (task) await keep(task);

async function keep({ directory: where, name, server, settings, expected }: KeeperTask): Promise<void> {
  const path = joinPath(where, name);
  const names = endpointNames(name);
  let lock: EndpointLock | undefined;
  let journal: Journal | undefined;
  let owner: Owner | undefined;
  try {
    const directory = Directory.open(where);
    lock = EndpointLock.adopt(directory, names.lock, path, keeperDescriptors.lock);
    // Somebody removed or replaced the lock file while we were starting: there may be another owner by now.
    if (!lock) return;
    const place: Place = { directory, names, path };
    const files = logFiles(path);
    const log = openLog(files.output);
    journal = new Journal(files.keeper);
    const notes = journal;
    process.on('uncaughtException', (error) => crash(notes, error));
    const surroundings = surroundingsFor(notes);
    const service = new CommandService({
      place,
      server,
      clock: systemClock,
      journal: notes,
      log: log instanceof LogFile ? log : undefined,
      logFile: log instanceof LogFile ? files.output : undefined,
    });
    notes.info({ path, command: server.command }, 'the keeper has begun');
    if (log instanceof LogFile)
      watch(log, systemClock, (error) => notes.warn({ error: String(error) }, 'the log could not be shortened'));
    else notes.warn({ error: log.message }, 'the output of the server cannot be kept');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        notes.warn({ signal }, 'the keeper was told to end');
        owner?.end();
      });
    }
    const events = eventsFor(notes, service);
    const opened = (opening: Owner): void => {
      owner = opening;
      answer({ up: true });
    };
    await Owner.start(
      { place, lock, service, settings, surroundings, events, references: 0, expected, opened },
      () => {},
    );
  } catch (error) {
    const reason = systemError(error, path, `start the server of ${path}`);
    journal?.error({ code: reason.code, error: reason.message }, 'the endpoint has failed');
    if (owner) return;
    const { code, message } = reason;
    const detail = { ...reason };
    lock?.remove();
    answer({ failed: { code, message, detail } });
  }
}

function eventsFor(journal: Journal, service: CommandService): LeaseEvents {
  return {
    stopping: (done) => {
      const told = (message: string, fields: object = {}) => {
        journal.info(fields, message);
        end();
      };
      done.then(
        () => told('the endpoint has ended'),
        (error: unknown) => told('the endpoint has ended, and something of it is left', { error: String(error) }),
      );
    },
    lost: (cause) => {
      journal.warn({ cause }, 'another owner has taken over');
      // Its server is named in no record any more: nobody but us can end it, however long that may take.
      service.stop().then(end, end);
    },
    ended: (reason) => journal.warn({ code: reason.code, error: reason.message }, 'the references were ended'),
  };
}

function surroundingsFor(journal: Journal): Surroundings {
  return {
    clock: systemClock,
    hooks: {
      reclaimed: (_path, pid, names) => journal.info({ pid, names }, 'files of a dead owner were removed'),
      healed: (_path, names) => journal.warn({ names }, 'files that were missing are there again'),
      fault: (_path, error) => journal.warn({ error: String(error) }, 'something failed'),
      cleanUp: async (work) => work(),
    },
  };
}

/** Nothing keeps the process from here on but last words, and these not for ever. */
function end(): void {
  setTimeout(() => process.exit(), lastWordsMs).unref();
}

/** A mistake of ours: what runs at exit ends the server and removes the files, and members go on with another keeper. */
function crash(journal: Journal, error: unknown): void {
  journal.error({ error: stackOf(error) }, 'the keeper has crashed');
  void journal.close().finally(() => process.exit(1));
}

function openLog(file: string): LogFile | Error {
  try {
    return LogFile.open(file);
  } catch (error) {
    // A home that cannot be written to must not keep the server from running.
    if (isSocketReferenceError(error)) return error;
    throw error;
  }
}

function readTask(): KeeperTask | undefined {
  const text = readFileSync(keeperDescriptors.task, 'utf8');
  try {
    return JSON.parse(text) as KeeperTask;
  } catch {
    // Cut off in the middle.
    return undefined;
  }
}

/** Answers whoever started us, and lets go of the descriptors by which we still hang on to it. */
function answer(what: KeeperAnswer): void {
  try {
    writeSync(keeperDescriptors.task, `${JSON.stringify(what)}\n`);
  } catch {
    // It has died since. Somebody else may come, or nobody, and both are provided for.
  }
  closeSync(keeperDescriptors.task);
  // What is written there would end us once nobody reads it.
  closeSync(2);
  openSync('/dev/null', 'w');
}
