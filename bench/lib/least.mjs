// @ts-check
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { hangUp } from './net.mjs';

/** @type {{tryLock(fd: number): boolean, unlock(fd: number): void}} */
const { tryLock, unlock } = createRequire(import.meta.url)('fs-native-extensions');

const record = `${'x'.repeat(100)}\n`;

/**
 * The system calls that the promises need, and nothing else: no path rules, no count, no events, no timers, and no
 * decision taken by what the calls answer. A program could not use this; it shows what the protocol costs.
 *
 * @param {string} directory
 */
export async function startAndStop(directory) {
  const dir = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  fstatSync(dir, { bigint: true });
  const at = `/proc/self/fd/${dir}`;
  // Is there an owner? May this lock be ours? Is it the one at the path? Is anything else in the way?
  lstatSync(`${at}/least.sock.ctl`, { bigint: true, throwIfNoEntry: false });
  const fd = openSync(`${at}/least.sock.lock`, constants.O_RDWR | constants.O_CREAT, 0o600);
  fstatSync(fd, { bigint: true });
  tryLock(fd);
  fstatSync(fd, { bigint: true });
  lstatSync(`${at}/least.sock.lock`, { bigint: true });
  lstatSync(`${at}/least.sock`, { bigint: true, throwIfNoEntry: false });
  // Named before it is made; with its mode before it has its name.
  const temporary = `${at}/.least-${randomBytes(8).toString('hex')}`;
  writeSync(fd, record, 0);
  mkdirSync(temporary, 0o700);
  const servers = [await listen(`${temporary}/a`), await listen(`${temporary}/b`)];
  writeSync(fd, record, 100);
  linkSync(`${temporary}/a`, `${at}/least.sock.ctl`);
  linkSync(`${temporary}/b`, `${at}/least.sock`);
  unlinkSync(`${temporary}/a`);
  unlinkSync(`${temporary}/b`);
  rmdirSync(temporary);
  // The end: removed only if it still is ours, the lock last.
  for (const name of ['least.sock', 'least.sock.ctl']) remove(`${at}/${name}`);
  for (const server of servers) server.close();
  remove(`${at}/least.sock.lock`);
  unlock(fd);
  closeSync(fd);
  closeSync(dir);
}

/** @param {string} path */
async function listen(path) {
  const server = createServer(hangUp).listen({ path, backlog: 4096, exclusive: true });
  await once(server, 'listening');
  chmodSync(path, 0o600);
  lstatSync(path, { bigint: true });
  return server;
}

/** @param {string} path */
function remove(path) {
  lstatSync(path, { bigint: true });
  unlinkSync(path);
}
