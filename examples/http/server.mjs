/** An HTTP server of Node behind a Unix socket: one that it binds, or one that it is handed. */

import { createServer } from 'node:http';

const server = createServer((_request, response) => response.end(`hello from Node, process ${process.pid}\n`));

// systemd's protocol: descriptor 3 listens already. Node has it listen once more, with room for 511 waiting clients if
// no number is given: too few while a busy server is restarted.
if (process.env['LISTEN_PID'] === String(process.pid)) server.listen({ fd: 3 }, 4096);
else server.listen(process.env['SOCKREF_LISTEN_PATH']);
