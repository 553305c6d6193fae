"""Delivery of contents."""
