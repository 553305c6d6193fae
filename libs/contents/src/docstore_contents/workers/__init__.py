"""Limited processes for untrusted files."""
