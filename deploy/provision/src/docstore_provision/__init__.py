"""Prepares databases, topics and buckets of a deployment."""
