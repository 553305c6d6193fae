"""Idempotency-Key: a repeated call gets its first response again."""
