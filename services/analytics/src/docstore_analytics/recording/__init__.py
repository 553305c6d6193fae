"""Records each batch of events in all features, in one transaction."""
