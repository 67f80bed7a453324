import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { identityOf } from '#src/files/identity.js';
import type { LockFile } from '#src/files/lock-file.js';
import type { Place } from '#src/files/place.js';
import { listenerOf, publish } from '#src/files/publish.js';
import { unlinkIfSame } from '#src/files/remove.js';
import { takeLock, withPlace } from '../helpers/place.js';
import { start } from '../helpers/program.js';
import { make, treeOf } from '../helpers/tree.js';

interface Scene {
  readonly place: Place;
  readonly lock: LockFile;
  /** A server that answers with its own name. */
  server(name: string): Server;
}

/** Runs a test with a held lock whose record was begun; closes its servers and removes the lock. */
function withScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  return withPlace(async (place) => {
    const lock = takeLock(place);
    lock.begin();
    const servers: Server[] = [];
    const server = (name: string) => {
      const made = createServer((socket) => socket.end(name));
      servers.push(made);
      return made;
    };
    try {
      await test({ place, lock, server });
    } finally {
      for (const each of servers) if (each.listening) await new Promise((closed) => each.close(closed));
      lock.remove();
    }
  });
}

async function answerOf(path: string): Promise<string> {
  const socket = connect(path);
  return String(await socket.toArray());
}

const identityAt = (path: string) => identityOf(lstatSync(path, { bigint: true }));
const privateNames = (place: Place) => readdirSync(place.directory.path).filter((name) => name.startsWith('.sr-'));

describe('publish', () => {
  it('makes sockets visible under their names, with their modes, and leaves nothing else', () =>
    withScene(async ({ place, lock, server }) => {
      const { names, path, directory } = place;
      const files = await publish(lock, [
        { name: names.control, from: listenerOf(server('control')), mode: 0o600 },
        { name: names.data, from: listenerOf(server('data')), mode: 0o666 },
      ]);
      expect(readdirSync(directory.path).sort()).toEqual([names.data, names.control, names.lock]);
      expect(files).toEqual([identityAt(`${path}.ctl`), identityAt(path)]);
      expect(lstatSync(path).mode & 0o7777).toBe(0o666);
      expect(lstatSync(`${path}.ctl`).mode & 0o7777).toBe(0o600);
      expect(await Promise.all([answerOf(path), answerOf(`${path}.ctl`)])).toEqual(['data', 'control']);
      expect(lock.record()?.published).toEqual([
        { name: names.control, file: files[0] },
        { name: names.data, file: files[1] },
      ]);
      for (const name of [path, `${path}.ctl`]) unlinkSync(name);
    }));

  it('does so under any umask', () =>
    withScene(async ({ place, lock, server }) => {
      const before = process.umask(0o777);
      try {
        await publish(lock, [{ name: place.names.data, from: listenerOf(server('data')), mode: 0o600 }]);
      } finally {
        process.umask(before);
      }
      expect(lstatSync(place.path).mode & 0o7777).toBe(0o600);
      unlinkSync(place.path);
    }));

  it('accepts a path that leaves no room for the private name', () =>
    withScene(async ({ place, lock, server }) => {
      const long = 'x'.repeat(200);
      await publish(lock, [{ name: long, from: listenerOf(server('long')), mode: 0o600 }]);
      expect(lstatSync(`${place.directory.path}/${long}`).isSocket()).toBe(true);
      unlinkSync(`${place.directory.path}/${long}`);
    }));

  it('does not touch the published name when the server closes', () =>
    withScene(async ({ place, lock, server }) => {
      const data = server('data');
      await publish(lock, [{ name: place.names.data, from: listenerOf(data), mode: 0o600 }]);
      data.close();
      await once(data, 'close');
      expect(existsSync(place.path)).toBe(true);
      unlinkSync(place.path);
    }));

  it('never replaces a file, and removes what it had published before', () =>
    withScene(async ({ place, lock, server }) => {
      const { names, path, directory } = place;
      const entries = [
        { file: path, mode: '0600', text: 'mine' },
        { directory: path, mode: '0700' },
        { link: path, to: 'none' },
        { fifo: path, mode: '0600' },
        { socket: path },
      ];
      for (const entry of entries) {
        await make(entry);
        const { [names.lock]: _, ...before } = treeOf(directory.path);
        const servers = [server('control'), server('data')] as const;
        const published = publish(lock, [
          { name: names.control, from: listenerOf(servers[0]), mode: 0o600 },
          { name: names.data, from: listenerOf(servers[1]), mode: 0o600 },
        ]);
        await expect(published).rejects.toMatchObject({ code: 'ERR_SOCKREF_ADDRESS_IN_USE', path });
        const { [names.lock]: __, ...after } = treeOf(directory.path);
        expect(after).toEqual(before);
        expect(servers.map(({ listening }) => listening)).toEqual([false, false]);
        rmSync(path, { recursive: true });
      }
    }));

  it('fails, and leaves nothing, when a server cannot listen', () =>
    withScene(async ({ place, lock, server }) => {
      const { names, path, directory } = place;
      const used = server('used').listen(`${path}.used`);
      await once(used, 'listening');
      const control = server('control');
      const published = publish(lock, [
        { name: names.control, from: listenerOf(control), mode: 0o600 },
        { name: names.data, from: listenerOf(used), mode: 0o600 },
      ]);
      await expect(published).rejects.toThrow('ERR_SERVER_ALREADY_LISTEN');
      expect(control.listening).toBe(false);
      expect(readdirSync(directory.path).sort()).toEqual([names.lock]);
    }));

  it('fails, and leaves nothing, when its private directory is taken away', () =>
    withScene(async ({ place, lock, server }) => {
      const { names, directory } = place;
      const data = server('data');
      data.prependOnceListener('listening', () => {
        for (const name of privateNames(place)) rmSync(`${directory.path}/${name}`, { recursive: true });
      });
      const published = publish(lock, [{ name: names.data, from: listenerOf(data), mode: 0o600 }]);
      await expect(published).rejects.toMatchObject({ code: 'ERR_SOCKREF_SYSTEM', errno: 'ENOENT', syscall: 'chmod' });
      expect(data.listening).toBe(false);
      expect(readdirSync(directory.path)).toEqual([names.lock]);
    }));

  it('fails when its directory is gone', () =>
    withScene(async ({ place, lock, server }) => {
      const inner = `${place.directory.path}/inner`;
      mkdirSync(inner);
      const at = lock.place.directory.at.bind(lock.place.directory);
      lock.place.directory.at = (name) => at(`inner/${name}`);
      rmSync(inner, { recursive: true });
      const published = publish(lock, [{ name: 'x', from: listenerOf(server('x')), mode: 0o600 }]);
      await expect(published).rejects.toMatchObject({ code: 'ERR_SOCKREF_SYSTEM', errno: 'ENOENT', syscall: 'mkdir' });
      Reflect.deleteProperty(lock.place.directory, 'at');
    }));

  it('lets no client connect before the mode is set, and writes the record before the socket is visible', () =>
    withPlace(async (place) => {
      const trace = `${place.path}.trace`;
      const calls = 'mkdir,mkdirat,chmod,fchmod,fchmodat,bind,listen,link,linkat,pwrite64,unlink,unlinkat,rmdir';
      const program = await start('acquire-once.mjs', {
        under: ['strace', '-f', '-qq', '-s', '4096', '-o', trace, '-e', `trace=${calls}`],
        args: [place.path],
        env: { NODE_V8_COVERAGE: undefined },
      });
      expect(await program.line()).toMatchObject({ acquired: place.path });
      program.end();
      await program.exited;
      const lines = readFileSync(trace, 'utf8').split('\n');
      unlinkSync(trace);
      const at = (...parts: string[]) => lines.findIndex((line) => parts.every((part) => line.includes(part)));
      const made = /mkdir(?:at)?\(.*"(?:[^"]*\/)?(\.sr-[0-9a-f]{16})", 0700\)/.exec(lines.join('\n'))?.[1] as string;
      for (const name of [`${place.names.control}`, `${place.names.data}`]) {
        const link = lines.findIndex(
          (line) => /link(at)?\(/.test(line) && line.includes(`/${name}"`) && !/unlink/.test(line),
        );
        const from = /(\.sr-[0-9a-f]{16}\/[0-9a-f]{16})"/.exec(lines[link] as string)?.[1] as string;
        const order = [
          at('pwrite64', `\\"temporary\\":\\"${made}\\"`),
          at('mkdir', made),
          at('bind', from),
          lines.findIndex((line) => line.includes('chmod') && line.includes(from) && line.includes('0600')),
          at('pwrite64', 'published', `\\"${name}\\"`),
          link,
        ];
        expect(order).not.toContain(-1);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    }));
});

describe('unlinkIfSame', () => {
  it('removes that file, and no later file with its name', () =>
    withScene(async ({ place, lock, server }) => {
      const { names, path } = place;
      const [first] = await publish(lock, [{ name: names.data, from: listenerOf(server('1')), mode: 0o600 }]);
      unlinkSync(path);
      expect(unlinkIfSame(lock.place.directory, names.data, first as never)).toBe(false);
      const [second] = await publish(lock, [{ name: names.data, from: listenerOf(server('2')), mode: 0o600 }]);
      expect(unlinkIfSame(lock.place.directory, names.data, first as never)).toBe(false);
      expect(await answerOf(path)).toBe('2');
      chmodSync(path, 0o660);
      expect(unlinkIfSame(lock.place.directory, names.data, second as never)).toBe(true);
      expect(existsSync(path)).toBe(false);
    }));
});
