"""Who can open a file or folder: people and links, including inherited ones."""
