import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  assertPlatform,
  maxSocketPathBytes,
  ownStart,
  ownUid,
  processStart,
  reachesThroughDescriptors,
} from '#src/files/platform.js';
import { withDirectory } from '../helpers/directory.js';

/** Binds a name, and says where the socket is found. */
async function bind(path: string): Promise<'there' | 'elsewhere' | 'missing'> {
  const server = createServer().listen(path);
  try {
    await once(server, 'listening');
  } catch {
    return 'missing';
  }
  const found = lstatSync(path, { throwIfNoEntry: false })?.isSocket() ? 'there' : 'elsewhere';
  const closed = once(server, 'close');
  server.close();
  await closed;
  return found;
}

it('knows how many bytes a system accepts, with or without a terminating zero', () =>
  withDirectory(async (directory) => {
    const name = (bytes: number) => `${directory}/${'x'.repeat(bytes - directory.length - 1)}`;
    expect(await bind(name(maxSocketPathBytes))).toBe('there');
    expect(await bind(name(maxSocketPathBytes + 2))).not.toBe('there');
    // The name was cut off: Node removes the full name, not the bound one.
    for (const left of readdirSync(directory)) rmSync(join(directory, left));
  }));

it('reads when a process started, with any name', () => {
  const { title } = process;
  onTestFinished(() => {
    process.title = title;
  });
  process.title = 'a) S 1 (b';
  expect(processStart('self')).toBe(ownStart);
  expect(processStart(process.pid)).toBe(ownStart);
  if (process.platform === 'linux') expect(ownStart).toMatch(/^\d+$/);
});

it('is undefined for a process that is gone', async () => {
  const child = spawn('true');
  await once(child, 'close');
  expect(processStart(child.pid as number)).toBeUndefined();
});

it('knows the user, and how to reach a directory', () => {
  expect(ownUid()).toBe(process.geteuid?.());
  expect(reachesThroughDescriptors).toBe(process.platform === 'linux');
});

it('refuses Windows, and says what to do', () => {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
  onTestFinished(() => {
    Object.defineProperty(process, 'platform', descriptor);
  });
  expect(assertPlatform).not.toThrow();
  Object.defineProperty(process, 'platform', { ...descriptor, value: 'win32' });
  expect(assertPlatform).toThrow(expect.objectContaining({ code: 'ERR_SOCKREF_UNSUPPORTED' }));
  expect(assertPlatform).toThrow('use Linux or macOS');
});
