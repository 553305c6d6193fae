"""Sandbox of a process that reads untrusted files: Landlock and seccomp, applied by the process itself."""
