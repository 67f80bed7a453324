"""An HTTP server of Python's own library, behind a Unix socket: one that it binds, or one that it is handed."""

import os
import socket
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello from Python, process {os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        # For the log: clients of a Unix socket have no address.
        return "-"


class Server(ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


if os.environ.get("LISTEN_PID") == str(os.getpid()):
    # systemd's protocol: descriptor 3 listens already.
    server = Server("", Handler, bind_and_activate=False)
    server.socket = socket.socket(fileno=3)
else:
    server = Server(os.environ["SOCKREF_LISTEN_PATH"], Handler)

server.serve_forever()
