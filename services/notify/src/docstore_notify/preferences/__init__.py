"""Which notifications an account wants by which channel."""
