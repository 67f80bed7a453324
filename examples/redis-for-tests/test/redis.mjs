/** How the tests reach their redis-server. */

import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { afterAll, beforeAll } from 'vitest';

/**
 * A client for the tests of a file, and a name that no other file has: they share the server, and run at the same time.
 */
export function redis() {
  // `sockref run` sets the path.
  const client = createClient({ socket: { path: process.env['SOCKREF_PATH'] ?? '', tls: false } });
  beforeAll(async () => {
    await client.connect();
    // Not for the tests: it shows at the end which processes used the server.
    await client.sAdd('vitest-processes', String(process.pid));
  });
  afterAll(() => client.close());
  return { client, key: randomUUID() };
}
