"""Search: routes, and what a caller may see of the hits."""
