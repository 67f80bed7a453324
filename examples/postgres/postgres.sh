#!/bin/sh
# postgres.sh DATA SOCKET: runs PostgreSQL with its data in one directory and its socket in another. The name of the socket
# is for it to choose: .s.PGSQL.5432, where the number is the port.
set -eu
data=$1
socket=$2
dir=$(dirname "$socket")
port=${socket##*.}

# Debian keeps the programs of each version in a folder of its own, which is not on PATH.
for bin in /usr/lib/postgresql/*/bin; do PATH=$bin:$PATH; done

if [ ! -e "$data/PG_VERSION" ]; then
  initdb --no-sync --no-instructions --auth=trust --username=app --encoding=UTF8 --locale=C -D "$data"
fi

# It accepts connections a moment before it can answer them ("the database system is starting up"). So it listens elsewhere
# in the private directory, and gets its name there when it is ready.
mkdir -p "$dir/early"
rm -f "$dir"/early/.s.PGSQL.*
(
  (
    until pg_isready --quiet --username=app --dbname=postgres --host="$dir/early" --port="$port"; do
      # Until it has ended: exec below keeps the process id.
      kill -0 $$ 2>/dev/null || exit
      sleep 0.02
    done
    ln "$dir/early/.s.PGSQL.$port" "$socket"
  ) &
)

# For tests: nothing in it has to outlive the machine.
exec postgres -D "$data" -k "$dir/early" -p "$port" \
  -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off
