"""Consistency checks of the tree against versions, contents, shares and journals."""
