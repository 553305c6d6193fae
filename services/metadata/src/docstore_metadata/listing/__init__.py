"""Pages of folders, sorted and filtered."""
