import type { Command } from 'commander';
import type { HolderInfo, SocketInfo } from '../../api/info.js';
import { SocketManager } from '../../api/manager.js';
import { printable } from '../../printable.js';
import { notServed } from '../advice.js';
import { activityOf, ageOf, countOf, stateOf } from '../describe.js';
import { CliError } from '../failure.js';
import { pathOf } from '../named-path.js';
import { paint, plural, print, printJson } from '../output.js';
import { table } from '../table.js';

/** `sockref inspect` */
export function define(command: Command): void {
  command
    .argument('<name>', 'a name in the default directory, or an absolute path')
    .option('--json', 'print JSON: one socket')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sockref inspect db.sock\n  $ sockref inspect db.sock --json | jq .owner.pid',
    )
    .action(inspect);
}

async function inspect(name: string, { json }: { json?: true }): Promise<void> {
  const info = await new SocketManager().inspect(name);
  if (!info) throw new CliError(notServed(pathOf(name), 'inspect'));
  if (json) return printJson(info);
  print(about(info).join('\n'));
  const holders: [string, HolderInfo][] = info.members.map((member) => ['member', member]);
  if (info.owner) holders.unshift([info.server ? 'keeper' : 'owner', info.owner]);
  if (holders.length === 0) return;
  print('');
  print(
    table(
      [['PID', 'right'], ['ROLE'], ['REFERENCES', 'right'], ['AGE', 'right'], ['CAN SERVE'], ['LABEL']],
      holders.map(([role, holder]) => [
        holder.thread === undefined ? String(holder.pid) : `${holder.pid}:${holder.thread}`,
        role,
        countOf(holder.references),
        ageOf(holder.since),
        holder.canServe ? 'yes' : 'no',
        printable(holder.label ?? ''),
      ]),
    ),
  );
  if (info.moreMembers > 0) print(`and ${info.moreMembers} more`);
}

function about(info: SocketInfo): string[] {
  const lines: [string, string][] = [
    ['path', printable(info.path)],
    ['state', stateOf(info)],
    ['references', countOf(info.references)],
    ['since', info.since === undefined ? '-' : new Date(info.since).toISOString()],
  ];
  if (info.server) {
    const { command, pid, restarts, noLog, problem } = info.server;
    lines.push(['server', printable(command)]);
    lines.push([
      '',
      `${activityOf(info.server)}${pid === undefined ? '' : `, pid ${pid}`}, ${plural(restarts, 'restart')}`,
    ]);
    if (noLog !== undefined) lines.push(['', `no log: ${printable(noLog)}`]);
    if (problem !== undefined) lines.push(['', printable(`no client can connect to it: ${problem}`)]);
  }
  return lines.map(([name, value]) => `${paint(process.stdout, 'bold', `${name}${name && ':'}`.padEnd(12))}${value}`);
}
