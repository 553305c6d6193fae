"""Channels that send a message: one module each, listed in `registry.py`."""
