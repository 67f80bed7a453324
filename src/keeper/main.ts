/**
 * The keeper: the process that owns an endpoint whose server is a command. Started by whoever had the lock and handed it
 * over; attached to no terminal, it lives until the last reference is gone.
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../clock.js';
import type { Context } from '../context.js';
import { stackOf } from '../errors/error.js';
import { systemError } from '../errors/system.js';
import { Directory } from '../files/directory.js';
import { LockFile } from '../files/lock-file.js';
import { joinPath } from '../files/paths.js';
import { endpointNames, type Place } from '../files/place.js';
import { closeInherited, keeperDescriptors } from '../ownership/keeper-descriptors.js';
import type { LeaseEvents } from '../ownership/lease.js';
import { giveLockBack } from '../ownership/remove-leftovers.js';
import type { KeeperAnswer, KeeperTask } from '../ownership/start-keeper.js';
import { printable } from '../printable.js';
import { shellCommand, shownCommand } from '../shell-words.js';
import { CommandServer } from './command-server.js';
import { Journal } from './journal.js';
import { KeeperOwner } from './keeper-owner.js';
import { LogFile } from './log.js';
import { LogDirectory } from './log-file.js';
import { logFiles } from './log-place.js';
import { type OpenedLog, ServerOutput } from './output.js';

/** How long what is left at the end may take, in milliseconds: last words to members that do not read them. */
const lastWordsMs = 15_000;

closeInherited();
const task = readTask();
// Whoever was to tell it died in the middle: the lock goes with us.
if (task) await keep(task);

async function keep({ directory: where, name, server, settings, awaitedDependents }: KeeperTask): Promise<void> {
  const path = joinPath(where, name);
  let lock: LockFile | undefined;
  let journal: Journal | undefined;
  let owner: KeeperOwner | undefined;
  try {
    const place: Place = { directory: Directory.open(where), names: endpointNames(name), path };
    lock = LockFile.adopt(place, keeperDescriptors.lock);
    // Somebody removed or replaced the lock file while we were starting: there may be another owner by now.
    if (!lock) return;
    const logs = openLogs(path);
    journal = new Journal(logs.journal, withoutArguments(server.command));
    const notes = journal;
    process.on('uncaughtException', (error) => crash(notes, error));
    notes.info({ path, program: server.command[0], arguments: server.command.length - 1 }, 'the keeper has begun');
    const output = new ServerOutput(logs.output(), notes);
    output.watch(systemClock);
    const context = contextFor(notes);
    const commandServer = new CommandServer({
      place,
      server,
      clock: systemClock,
      journal: notes,
      output,
    });
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        notes.warn({ signal }, 'the keeper was told to end');
        owner?.end();
      });
    }
    const events = eventsFor(notes, commandServer);
    const opened = (opening: KeeperOwner): void => {
      owner = opening;
      answer({ up: true });
    };
    await KeeperOwner.keep({ lock, server: commandServer, settings, context, events, awaitedDependents }, opened);
  } catch (error) {
    const reason = systemError(error, path, `start the server of ${path}`);
    journal?.error({ code: reason.code, error: reason.message }, 'the endpoint has failed');
    if (owner) return;
    const { code, message } = reason;
    const detail = { ...reason };
    try {
      if (lock) giveLockBack(lock);
    } catch (left) {
      journal?.error({ error: String(left) }, 'something of the endpoint is left');
    }
    answer({ failed: { code, message, detail } });
  } finally {
    // From here on nobody waits for what we say.
    closeStderr();
  }
}

function eventsFor(journal: Journal, commandServer: CommandServer): LeaseEvents {
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
      commandServer.stop().then(end, end);
    },
    ended: (reason) => journal.warn({ code: reason.code, error: reason.message }, 'the references were ended'),
  };
}

function contextFor(journal: Journal): Context {
  return {
    clock: systemClock,
    reclaimed: (_path, pid, names) => journal.info({ pid, names }, 'files of a dead owner were removed'),
    healed: (_path, names) => journal.warn({ names }, 'files that were missing are there again'),
    fault: (_path, error) => journal.warn({ error: String(error) }, 'something failed'),
    cleanUp: async (work) => work(),
  };
}

/** Nothing keeps the process from here on but last words, and these not for ever. */
function end(): void {
  setTimeout(() => process.exit(), lastWordsMs).unref();
}

/** A mistake of ours: what runs at exit ends the server and removes the files, and members go on with another keeper. */
function crash(journal: Journal, error: unknown): void {
  const stack = stackOf(error);
  journal.error({ error: stack }, 'the keeper has crashed');
  say(stack);
  process.exit(1);
}

/** A home that cannot be written to must not keep the server from running: what cannot be opened says why. */
function openLogs(path: string): { output: () => OpenedLog; journal: () => LogFile } {
  try {
    const { home, below, outputName, keeperName, output } = logFiles(path);
    const directory = LogDirectory.open(home, below);
    return {
      output: () => {
        try {
          return { log: LogFile.open(directory, outputName), path: output };
        } catch (error) {
          return systemError(error, path, 'open the log');
        }
      },
      journal: () => LogFile.open(directory, keeperName),
    };
  } catch (error) {
    const why = systemError(error, path, 'open the logs');
    return {
      output: () => why,
      journal: () => {
        throw why;
      },
    };
  }
}

/** Arguments may be passwords, which errors tell to those who gave them, and which are written into no file. */
function withoutArguments(command: readonly string[]): (text: string) => string {
  // As a message shows it, and whole.
  const forms = [shownCommand(command), shellCommand(command)].map(printable);
  const program = shellCommand(command.slice(0, 1));
  return (text) => forms.reduce((left, form) => left.replaceAll(form, program), text);
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

/** Answers whoever started us. */
function answer(what: KeeperAnswer): void {
  try {
    writeSync(keeperDescriptors.task, `${JSON.stringify(what)}\n`);
  } catch {
    // It has died since. Somebody else may come, or nobody, and both are provided for.
  }
  closeSync(keeperDescriptors.task);
}

/** What is written there would end us once nobody reads it. */
function closeStderr(): void {
  closeSync(2);
  openSync('/dev/null', 'w');
}

/** Tells whoever started us, as long as it listens. */
function say(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // It has died since.
  }
}
