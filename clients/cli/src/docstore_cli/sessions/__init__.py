"""Sessions of commands: as a person or an administrator, on this machine."""
