"""The servers that a stack starts itself, and what they need."""
