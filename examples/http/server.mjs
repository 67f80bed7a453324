/** An HTTP server on a Unix socket, which it binds itself or gets as descriptor 3. */

import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end(`hello from Node, process ${process.pid}\n`));

// systemd's protocol: descriptor 3 listens already. Node calls listen() again, by default with room for 511 waiting
// clients, which is too few while a busy server is restarted.
if (process.env['LISTEN_PID'] === String(process.pid)) server.listen({ fd: 3 }, 4096);
else server.listen(process.env['SOCKREF_LISTEN_PATH']);
