"""Previews: the pictures of each content in fixed sizes."""
