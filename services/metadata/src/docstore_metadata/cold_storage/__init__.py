"""Contents that nobody reads: they are handed over to colder storage, and retrieved on request."""
