"""Subscriptions to files and folders, and the queues of those of other systems."""
