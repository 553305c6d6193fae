"""Extracts texts from documents in limited worker processes."""
