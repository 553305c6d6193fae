"""Access tokens revoked before they expire."""
