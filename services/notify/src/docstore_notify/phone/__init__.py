"""Phones that get critical news as text messages."""
