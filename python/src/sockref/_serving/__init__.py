"""Path rules, directory checks, lock, record, publish, reclaim. Knows nothing of references."""
