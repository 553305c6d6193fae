"""The contents in a backup: copies of the objects in a store, and which of them a backup has."""
