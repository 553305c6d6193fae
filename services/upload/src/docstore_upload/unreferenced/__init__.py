"""Contents that no version refers to any more."""
