"""Blocks: deduplicated pieces of large files, shared among the files of one account."""
