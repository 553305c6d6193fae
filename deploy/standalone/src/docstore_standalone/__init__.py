"""The whole of DocStore on one machine: servers, services, backups."""
