import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** What {@link greet} sends. */
export const greeting = 'hello';

/** Sends each connection a word, and ends it: enough to see that a server runs. */
export function greet(socket: Socket): void {
  socket.end(greeting);
}

/** All that the other side sends until it ends. */
export function readAll(socket: Readable): Promise<string> {
  return text(socket);
}
