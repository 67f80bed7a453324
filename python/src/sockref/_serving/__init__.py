"""What serves a socket's clients: handlers, their threads, and connections."""
