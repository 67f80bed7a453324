import { join } from 'node:path';
import { acquire } from 'sockref';
import { expect } from 'vitest';
import { behind } from '../../helpers/behind.js';
import { itAsRoot, otherUid } from '../../helpers/place.js';

/** Listens at the path that it is given, or else at the socket that it inherits, as another user than root. */
const program = `
import os, socket, sys
os.setgroups([])
os.setgid(${otherUid})
os.setuid(${otherUid})
if sys.argv[1:]:
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
else:
    server = socket.socket(fileno=3)
while True:
    client = server.accept()[0]
    client.send(b"user %d" % os.getuid())
    client.close()
`;
const command = ['python3', '-c', program];

itAsRoot('a server that changes from root to another user runs at a socket that it inherits', () =>
  behind(async ({ directory }) => {
    const reference = await acquire(join(directory, 'app.sock'), { server: { command, activate: true } });
    const client = await reference.connect();
    expect(String(await client.toArray())).toBe(`user ${otherUid}`);
    await reference.close();
  }),
);

itAsRoot('a server that changes from root to another user cannot listen at a path, and its output says so', () =>
  behind(async ({ directory }) => {
    const acquired = acquire(join(directory, 'app.sock'), { server: { command: [...command, '{socket}'] } });
    await expect(acquired).rejects.toMatchObject({
      code: 'ERR_SOCKREF_SERVER_FAILED',
      reason: 'exited',
      stderr: expect.stringContaining('Permission denied'),
    });
  }),
);
