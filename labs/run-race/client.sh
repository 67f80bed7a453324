#!/bin/sh
# client.sh COUNT STATUS: waits until as many of its kind are here, tells which server they have met at, and exits with STATUS.
ask() { redis-cli -s "$SOCKREF_PATH" "$@"; }
if [ "$(ask INCR here)" = "$1" ]; then
  ask RPUSH go $(seq "$1") > /dev/null
fi
[ "$(ask BLPOP go 30 | head -n 1)" = go ] || exit 119
ask INFO server | grep '^run_id:'
exit "$2"
