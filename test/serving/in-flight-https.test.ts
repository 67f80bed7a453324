import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, get, type RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { acquire } from 'sockref';
import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { until } from '../helpers/until.js';

/** With a shared key no certificates are needed. */
const key = { psk: Buffer.alloc(32, 7), identity: 'test' };
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

it('lets a request to an https server get its answer when the socket stops', async () => {
  await withDirectory(async (directory) => {
    const server = createServer({ ...tls, pskCallback: () => key.psk });
    const reference = await acquire(`${directory}/tls.sock`, { serve: server });
    // The types of Node have these options only for tls.connect(), to which https passes them on.
    const options: RequestOptions & ConnectionOptions = {
      ...tls,
      pskCallback: () => ({ ...key }),
      checkServerIdentity: () => undefined,
      socketPath: reference.path,
      agent: false,
    };
    const request = get(options);
    const answered = once(request, 'response');
    const [, response] = await once(server, 'request');

    const closed = reference.close();
    await until('the drain has begun', () => !existsSync(reference.path));
    await new Promise(setImmediate);
    response.end('all of it');
    const [answer] = (await answered) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer) body += chunk;
    expect(body).toBe('all of it');
    await closed;
  });
});
