import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { atEnd } from './at-end.js';

/**
 * Servers that get a listening socket as descriptor 3, and answer each client with their pid and the client's data. `slow`
 * answers one client after the other, each after the end of its data.
 */
const servers = {
  python: [
    'python3',
    '-uc',
    `
import os, socket, threading
def serve(client):
    data = client.recv(100)
    client.sendall(b"%d %s" % (os.getpid(), data))
    client.close()
server = socket.socket(fileno=3)
while True:
    client, _ = server.accept()
    threading.Thread(target=serve, args=(client,)).start()
`,
  ],
  node: [
    process.execPath,
    '-e',
    `require('node:net').createServer((client) => {
      client.once('data', (data) => client.end(process.pid + ' ' + data)).on('error', () => {});
    }).listen({ fd: 3 })`,
  ],
  /** Accepts one client, and then does nothing. */
  stuck: ['python3', '-c', 'import signal, socket\nclient, _ = socket.socket(fileno=3).accept()\nsignal.pause()'],
  /** Closes each connection at once. */
  curt: ['python3', '-c', 'import socket\nserver = socket.socket(fileno=3)\nwhile True: server.accept()[0].close()'],
  /** Has the socket, and never accepts. */
  deaf: ['sleep', '1000'],
} as const;

/** The name of such a server. */
export type ListeningServer = keyof typeof servers;

/** Starts a server at a listening descriptor, as a keeper does: the socket blocks, and only its leash is added. */
export function serveAt(fd: number, which: ListeningServer): ChildProcess {
  // As stdin, Node makes it blocking; the server gets another stdin.
  const child = spawn('sh', ['-c', 'exec "$@" </dev/null', 'sh', ...servers[which]], { stdio: [fd, 1, 2, fd] });
  atEnd(() => void child.kill('SIGKILL'));
  return child;
}

/** Connects, and sends a text. */
export async function connectTo(path: string, word = 'hello'): Promise<Socket> {
  const socket = connect({ path });
  socket.on('error', () => {});
  atEnd(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(word);
  return socket;
}
