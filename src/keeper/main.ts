/**
 * The keeper: the process that owns an endpoint whose server is a command. The process that had the lock started it and
 * passed the lock to it. It is attached to no terminal, and lives until the last reference is closed.
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

/** Milliseconds for what is left at the end: last messages to members that do not read them. */
const lastWordsMs = 15_000;

closeInherited();
const task = readTask();
// The starter died while it sent the task: the lock is released with our exit.
if (task) void keep(task);

async function keep({ directory: where, name, server, settings, awaitedDependents }: KeeperTask): Promise<void> {
  const path = joinPath(where, name);
  let lock: LockFile | undefined;
  let journal: Journal | undefined;
  let owner: KeeperOwner | undefined;
  try {
    const place: Place = { directory: Directory.open(where), names: endpointNames(name), path };
    lock = LockFile.adopt(place, keeperDescriptors.lock);
    // Another program removed or replaced the lock file while we were starting: there may be another owner by now.
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
      journal?.error({ error: String(left) }, 'a part of the endpoint is left');
    }
    answer({ failed: { code, message, detail } });
  } finally {
    // From here on no process reads our stderr.
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
        (error: unknown) => told('the endpoint has ended, and a part of it is left', { error: String(error) }),
      );
    },
    lost: (cause) => {
      journal.warn({ cause }, 'another owner has taken over');
      // No record names its server any more, so only this process can end it, however long that takes.
      commandServer.stop().then(end, end);
    },
    ended: (reason) => journal.warn({ code: reason.code, error: reason.message }, 'the references were ended'),
  };
}

function contextFor(journal: Journal): Context {
  return {
    clock: systemClock,
    reclaimed: (_path, pid, names) => journal.info({ pid, names }, 'files of a dead owner were removed'),
    healed: (_path, names) => journal.warn({ names }, 'missing files were restored'),
    fault: (_path, error) => journal.warn({ error: String(error) }, 'something failed'),
    cleanUp: async (work) => work(),
  };
}

/** From here on only last messages keep the process alive, and these for a limited time. */
function end(): void {
  setTimeout(() => process.exit(), lastWordsMs).unref();
}

/**
 * A bug of ours. The exit handlers end the server and remove the files, and the members continue with another keeper.
 */
function crash(journal: Journal, error: unknown): void {
  const stack = stackOf(error);
  journal.error({ error: stack }, 'the keeper has crashed');
  say(stack);
  process.exit(1);
}

/** A home that cannot be written to must not prevent the server from running: a log that cannot be opened says why. */
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

/** Arguments may be passwords. Errors show them to the processes that gave them, but no file keeps them. */
function withoutArguments(command: readonly string[]): (text: string) => string {
  // The command as a message shows it, and in full.
  const forms = [shownCommand(command), shellCommand(command)].map(printable);
  const program = shellCommand(command.slice(0, 1));
  return (text) => forms.reduce((left, form) => left.replaceAll(form, program), text);
}

function readTask(): KeeperTask | undefined {
  const text = readFileSync(keeperDescriptors.task, 'utf8');
  try {
    return JSON.parse(text) as KeeperTask;
  } catch {
    // The task is incomplete.
    return undefined;
  }
}

/** Answers the process that started us. */
function answer(what: KeeperAnswer): void {
  try {
    writeSync(keeperDescriptors.task, `${JSON.stringify(what)}\n`);
  } catch {
    // It has died since. Another member may come or not; both cases are handled.
  }
  closeSync(keeperDescriptors.task);
}

/** Closes stderr: a write would end this process once the starter has closed its end. */
function closeStderr(): void {
  closeSync(2);
  openSync('/dev/null', 'w');
}

/** Reports to the process that started us, while it listens. */
function say(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // It has died since.
  }
}
