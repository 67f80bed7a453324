"""Claim, owner, member, control messages, failover, repair. Knows nothing of handles."""
