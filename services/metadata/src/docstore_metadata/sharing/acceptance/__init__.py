"""What the recipient decides about shares: whether to be asked first, accepting, declining, blocking people."""
