#!/bin/sh
# `sockref run` says in SOCKREF_PATH where the server is.
exec curl --silent --show-error --fail --unix-socket "$SOCKREF_PATH" http://localhost/
