"""The embedded stack as commands start and show it."""
