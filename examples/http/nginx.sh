#!/bin/sh
# nginx takes the path to listen at from its configuration only: so that is made for the path that it is given.
# The directory of the socket is private, and is removed at the end with all that is in it: a good place for it.
set -eu
socket=$1
prefix=$(dirname "$socket")
sed "s|@SOCKET@|$socket|" "$(dirname "$0")/nginx.conf" > "$prefix/nginx.conf"
# Its program is not on every user's PATH.
PATH=$PATH:/usr/sbin exec nginx -p "$prefix" -c nginx.conf -e stderr
