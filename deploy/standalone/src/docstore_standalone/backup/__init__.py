"""Backup and restore of a whole deployment; docs/adr/0020-backups.md says why it is consistent."""
