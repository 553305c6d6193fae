"""Limited processes for other people's files."""
