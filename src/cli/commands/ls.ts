import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SocketManager } from '../../api/manager.js';
import { printable } from '../../printable.js';
import { ageOf, countOf, serverOf, stateOf } from '../describe.js';
import { print, printJson } from '../output.js';
import { table } from '../table.js';

/** `sockref ls` */
export function define(command: Command): void {
  command
    .argument('[directory]', 'where to look; the default directory if none is given')
    .option('--json', 'print JSON: a list of sockets')
    .addHelpText('after', '\nExamples:\n  $ sockref ls\n  $ sockref ls /run/myapp --json')
    .action(list);
}

async function list(directory: string | undefined, { json }: { json?: true }): Promise<void> {
  const sockets = await new SocketManager().list(directory === undefined ? undefined : resolve(directory));
  if (json) return printJson(sockets);
  // Other programs may read the output line by line: without sockets it has no line.
  if (sockets.length === 0) return;
  print(
    table(
      [
        ['PATH'],
        ['STATE'],
        ['OWNER', 'right'],
        ['REFERENCES', 'right'],
        ['MEMBERS', 'right'],
        ['AGE', 'right'],
        ['SERVER'],
      ],
      sockets.map((info) => [
        printable(info.path),
        stateOf(info),
        countOf(info.owner?.pid),
        countOf(info.references),
        countOf(info.references === undefined ? undefined : info.members.length + info.moreMembers),
        ageOf(info.since),
        serverOf(info),
      ]),
    ),
  );
}
