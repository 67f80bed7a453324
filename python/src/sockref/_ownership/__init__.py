"""Which process serves a socket: claim, owner, members, failover, repair. Does not know references."""
