"""Access logs of the object store and the edge, read into the archive."""
