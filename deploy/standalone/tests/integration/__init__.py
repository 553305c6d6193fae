"""A package: the servers of its tests end with them."""
