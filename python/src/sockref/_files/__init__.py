"""Paths, directories, the lock file and its record, publishing, leftovers. Does not know references."""
