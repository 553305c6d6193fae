"""Access tokens that are revoked before they expire."""
