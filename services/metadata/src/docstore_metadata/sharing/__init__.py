"""Shares with people."""
