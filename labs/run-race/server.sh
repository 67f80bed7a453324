#!/bin/sh
# server.sh STARTS SOCKET: a redis-server that notes that it was started.
echo started >> "$1"
exec redis-server --port 0 --unixsocket "$2" --save ''
