"""Log-in sessions: one per device."""
