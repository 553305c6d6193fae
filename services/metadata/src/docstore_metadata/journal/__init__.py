"""What changed for each account, and how clients keep up with it."""
