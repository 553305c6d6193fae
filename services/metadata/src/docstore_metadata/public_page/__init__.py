"""What the page of a public link shows of files: their kind, and their preview pictures."""
