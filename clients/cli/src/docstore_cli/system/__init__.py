"""What the command sets up on this machine: services of the system, notifications on the desktop."""
