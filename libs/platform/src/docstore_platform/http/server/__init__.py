"""The HTTP server of a process: its connections, the operators' port, and how it starts and stops."""
