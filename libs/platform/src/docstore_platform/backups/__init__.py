"""Backups as the services know them: the state of the schedule, and what a service repairs after a restore."""
