"""`docstore sync`."""
