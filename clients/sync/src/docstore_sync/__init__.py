"""Two-way synchronization of a local folder with an account's files."""
