"""The indexer: text extraction and search."""
