import { createReadStream, promises } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { isMissing, locate } from '../../api/locate.js';
import { quote } from '../../errors.js';
import { defaultDirectoryPath } from '../../files/default-directory.js';
import { joinPath, parsePath } from '../../files/paths.js';
import { logFiles } from '../../keeper/log-place.js';
import { CliError } from '../failure.js';
import { write } from '../output.js';

/** How often a log that is followed is looked at, in milliseconds. */
const lookMs = 200;

interface Options {
  readonly follow?: true;
  readonly keeper?: true;
}

/** `sockref logs` */
export function define(command: Command): void {
  command
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('-f, --follow', 'go on with what is written from now on, until Ctrl-C')
    .option('--keeper', "print the keeper's own log instead: lines of JSON")
    .addHelpText(
      'after',
      '\nExamples:\n  $ sockref logs db.sock\n  $ sockref logs -f db.sock\n  $ sockref logs --keeper db.sock',
    )
    .action(logs);
}

async function logs(name: string, { follow, keeper }: Options): Promise<void> {
  const path = pathOf(name);
  const files = logFiles(path);
  const file = keeper ? files.keeper : files.output;
  const before = await copy(`${file}.1`, 0);
  let position = await copy(file, 0);
  if (before === undefined && position === undefined && !follow) {
    throw new CliError(
      `There is no log of ${quote(path)} at ${file}; there is one as soon as a command has served it (run --serve)`,
    );
  }
  while (follow) {
    await pause(lookMs);
    const size = await sizeOf(file);
    if (size === undefined) continue;
    // It was cut to its limit, and begins anew.
    const from = position === undefined || size < position ? 0 : position;
    if (size > from) position = await copy(file, from);
    else position = from;
  }
}

/** Prints a file from a position on, and says where it ended; undefined if there is none. */
async function copy(file: string, from: number): Promise<number | undefined> {
  let position = from;
  try {
    for await (const chunk of createReadStream(file, { start: from })) {
      await write(chunk as Buffer);
      position += (chunk as Buffer).length;
    }
    return position;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliError(`Cannot read ${file}: ${(error as Error).message}`);
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  const stats = await promises.stat(file).catch(() => undefined);
  return stats?.size;
}

/** The canonical path, be its directory there or not: logs outlive what they tell of. */
function pathOf(name: string): string {
  try {
    return locate(name, false, undefined).path;
  } catch (error) {
    if (!isMissing(error)) throw error;
    const requested = parsePath(name);
    return joinPath(requested.kind === 'name' ? defaultDirectoryPath() : requested.directory, requested.name);
  }
}
