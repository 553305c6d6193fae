"""Searches that an account has saved."""
