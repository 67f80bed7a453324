import { join } from 'node:path';
import { SocketManager, type SocketReference } from 'sockref';
import { expect } from 'vitest';
import { withDirectory } from './directory.js';
import { greeting, readAll } from './serve.js';

/** Runs a test with a path in its own directory, which must be empty at the end, and a manager that is closed then. */
export function withSocket(test: (path: string, manager: SocketManager) => Promise<void>): Promise<void> {
  return withDirectory(async (directory) => {
    const manager = new SocketManager();
    try {
      await test(join(directory, 'a.sock'), manager);
    } finally {
      await manager.close();
    }
  });
}

/** Asserts that a reference leads to a server that greets. */
export async function works(reference: SocketReference): Promise<void> {
  expect(await readAll(await reference.connect())).toBe(greeting);
}
