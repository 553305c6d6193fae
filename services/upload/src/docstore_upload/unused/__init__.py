"""Contents that nobody reads: which of their objects may move to a colder storage class."""
