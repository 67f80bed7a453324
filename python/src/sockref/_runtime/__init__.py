"""The background thread of this process, and what happens to it at a fork and at the exit."""
