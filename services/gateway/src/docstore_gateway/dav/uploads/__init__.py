"""PUT: from the body of a request to a version of a file."""
