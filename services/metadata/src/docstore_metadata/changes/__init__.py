"""What transactions that change the tree share: collected writes, file events, journal entries, new versions."""
