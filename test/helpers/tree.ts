import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Everything in a directory, for comparing: it shows what was created, changed, touched or replaced. */
export function treeOf(directory: string): Record<string, string> {
  const tree: Record<string, string> = {};
  const look = (folder: string, prefix: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const stats = lstatSync(path, { bigint: true });
      const content = stats.isFile() ? readFileSync(path, 'hex') : stats.isSymbolicLink() ? readlinkSync(path) : '';
      const { mode, ino, uid, gid } = stats;
      // A directory's time changes when a file in it is made or removed.
      const time = stats.isDirectory() ? '' : stats.mtimeNs;
      tree[prefix + name] = `${mode.toString(8)} ${uid}:${gid} ${ino} ${time} ${content}`;
      if (stats.isDirectory()) look(path, `${prefix}${name}/`);
    }
  };
  look(directory, '');
  return tree;
}

/** Leaves a socket file without a listener. */
export async function deadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}~`);
  await once(server, 'listening');
  // Node removes the name that it bound, and the socket has another name by then.
  await rename(`${path}~`, path);
  server.close();
  await once(server, 'close');
}

/** A file that exists before a test begins. */
export type Entry =
  | { readonly directory: string; readonly mode: string }
  | { readonly file: string; readonly mode: string; readonly text?: string }
  | { readonly fifo: string; readonly mode: string }
  | { readonly link: string; readonly to: string }
  | { readonly hardLink: string; readonly to: string }
  | { readonly socket: string };

/** Makes the files. Modes are octal, and exact under any umask. */
export async function make(entry: Entry): Promise<void> {
  if ('directory' in entry) {
    mkdirSync(entry.directory);
    chmodSync(entry.directory, Number.parseInt(entry.mode, 8));
  } else if ('file' in entry) {
    writeFileSync(entry.file, entry.text ?? '');
    chmodSync(entry.file, Number.parseInt(entry.mode, 8));
  } else if ('fifo' in entry) {
    execFileSync('mkfifo', ['-m', entry.mode, '--', entry.fifo]);
  } else if ('link' in entry) {
    symlinkSync(entry.to, entry.link);
  } else if ('hardLink' in entry) {
    linkSync(entry.to, entry.hardLink);
  } else {
    await deadSocket(entry.socket);
  }
}
