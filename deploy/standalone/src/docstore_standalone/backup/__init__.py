"""Backup and restore of a whole deployment; docs/adr/0020-backups.md explains why it is consistent."""
