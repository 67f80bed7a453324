"""The processes of this machine: which of them belong to a server, and how they end."""
