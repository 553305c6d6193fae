"""Who can open a file or folder: people and links, inherited ones included."""
