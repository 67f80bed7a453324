import { createReadStream, existsSync, promises } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { SocketManager } from '../../api/manager.js';
import { quote } from '../../errors/error.js';
import { errnoOf, systemError } from '../../errors/system.js';
import { logFiles } from '../../keeper/log-place.js';
import { printableJson } from '../../printable.js';
import { namesakes } from '../elsewhere.js';
import { CliError } from '../failure.js';
import { pathOf } from '../named-path.js';
import { tell, write } from '../output.js';

/** How often a followed log is read, in milliseconds. */
const lookMs = 200;

interface Options {
  readonly follow?: true;
  readonly keeper?: true;
}

/** `sockref logs` */
export function define(command: Command): void {
  command
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('-f, --follow', 'continue with new output, until Ctrl-C')
    .option('--keeper', "print the keeper's own log instead: lines of JSON")
    .addHelpText(
      'after',
      '\nExamples:\n  $ sockref logs db.sock\n  $ sockref logs -f db.sock\n  $ sockref logs --keeper db.sock',
    )
    .action(logs);
}

async function logs(name: string, { follow, keeper }: Options): Promise<void> {
  const path = pathOf(name);
  const noLog = keeper ? undefined : await whyNone(path);
  if (noLog !== undefined) tell(`The server of ${quote(path)} writes no log: ${noLog}`);
  const files = logFiles(path);
  const file = keeper ? files.keeper : files.output;
  const show = keeper ? journalOutput() : write;
  const before = await copy(`${file}.1`, 0, show);
  let position = await copy(file, 0, show);
  if (noLog !== undefined) {
    process.exitCode = 1;
    return;
  }
  if (before === undefined && position === undefined) {
    const found = namesakes(path).find((each) => existsSync(logFiles(each)[keeper ? 'keeper' : 'output']));
    const hint = found === undefined ? '' : `; there is one of ${found}, the same name in another environment`;
    if (!follow) {
      throw new CliError(
        `There is no log of ${quote(path)} at ${file}; the first server of it creates one (sockref run --serve)${hint}`,
      );
    }
    tell(`waiting for a first server of ${path}, which will write to ${file}${hint}`);
  }
  while (follow) {
    await pause(lookMs);
    const size = await sizeOf(file);
    if (size === undefined) continue;
    // The log was shortened to its limit: read it from the start.
    const from = position === undefined || size < position ? 0 : position;
    if (size > from) position = await copy(file, from, show);
    else position = from;
  }
}

/** Why the current server writes no log; undefined if it does, or if the socket is not served. */
async function whyNone(path: string): Promise<string | undefined> {
  try {
    return (await new SocketManager().inspect(path))?.server?.noLog;
  } catch {
    // Earlier output is there in any case.
    return undefined;
  }
}

/** Prints a part of a log, and resolves when it is written. */
type Show = (chunk: Buffer) => Promise<void>;

/** The keeper's log contains paths and other foreign text, so it is escaped. A server's output is shown as it is. */
function journalOutput(): Show {
  const decoder = new StringDecoder('utf8');
  return (chunk) => write(printableJson(decoder.write(chunk)));
}

/** Prints a file from a position on, and returns where it ended; undefined if there is no file. */
async function copy(file: string, from: number, show: Show): Promise<number | undefined> {
  let position = from;
  try {
    for await (const chunk of createReadStream(file, { start: from })) {
      await show(chunk as Buffer);
      position += (chunk as Buffer).length;
    }
    return position;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError(error, file, `read the log ${file}`);
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await promises.stat(file)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError(error, file, `read the log ${file}`);
  }
}
