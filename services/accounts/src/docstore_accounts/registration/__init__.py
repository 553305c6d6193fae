"""Sign-up, and the first administrator."""
