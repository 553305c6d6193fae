"""Consistency checks of renditions against the bucket of previews."""
