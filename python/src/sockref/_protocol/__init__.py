"""What every implementation shares: numbers, error codes, the shapes of messages and records."""
