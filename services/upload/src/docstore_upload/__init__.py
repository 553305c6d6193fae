"""The upload service: upload sessions, blocks and packs."""
