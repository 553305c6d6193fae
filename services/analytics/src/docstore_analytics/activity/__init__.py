"""What people did with a file or folder, for those who may read it."""
