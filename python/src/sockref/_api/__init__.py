"""Manager, reference, options, limits, events."""
