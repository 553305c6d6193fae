"""Which passwords are accepted, and how people change their own."""
