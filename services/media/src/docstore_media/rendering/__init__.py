"""Renders pictures, documents and videos in limited processes."""
