"""Use cases of transfers: from their initiation to their end."""
