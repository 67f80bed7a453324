#!/bin/sh
# Notes a visit in the database, and tells of all of them. Run by `sockref run`, which says in SOCKREF_PATH where the server is.
set -eu
# PostgreSQL's clients take the directory of the socket for a host, and make its name of the port.
export PGHOST="${SOCKREF_PATH%/*}" PGPORT="${SOCKREF_PATH##*.}" PGUSER=app PGDATABASE=postgres

psql --quiet --no-psqlrc <<'SQL'
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS visit (at timestamptz DEFAULT now());
INSERT INTO visit DEFAULT VALUES;
SQL
psql --no-psqlrc --tuples-only --no-align --command "SELECT 'visits so far: ' || count(*) FROM visit"
