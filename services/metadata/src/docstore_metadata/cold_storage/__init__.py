"""Unread contents: handed over to colder storage, and retrieved on request."""
