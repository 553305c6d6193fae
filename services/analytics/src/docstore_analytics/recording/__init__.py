"""Recording of each batch of events by all features, in one transaction."""
