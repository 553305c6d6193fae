"""How long trash and old versions are kept."""
