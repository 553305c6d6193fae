"""Reports: figures over time, counted from events, and queries of the archive."""
