"""Words and values that several services share. Standard library and errors only."""
