import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

/** What {@link greet} sends. */
export const greeting = 'hello';

/** Serves by a word and a goodbye: enough to see that somebody is there. */
export function greet(socket: Socket): void {
  socket.end(greeting);
}

/** All that the other side sends until it ends. */
export function readAll(socket: Readable): Promise<string> {
  return text(socket);
}
