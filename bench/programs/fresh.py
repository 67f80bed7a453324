"""Joins a socket and leaves it: `fresh.py <path>`."""

import sys

import sockref

sockref.acquire(sys.argv[1]).close()
