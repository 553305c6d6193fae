"""Password rules, and the change of one's own password."""
