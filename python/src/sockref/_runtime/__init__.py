"""The thread that answers for this process, what a fork leaves to a child, and what exit has to clean up."""
