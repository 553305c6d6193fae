"""Reports: figures over time from events, and queries of the archive."""
