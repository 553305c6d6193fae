"""Uploads: small files in packs, large ones in blocks, others as objects."""
