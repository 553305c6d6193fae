"""Unread contents: which of their objects may move to a colder storage class."""
