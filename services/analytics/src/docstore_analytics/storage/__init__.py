"""An account's own storage: over time, and what it shares."""
