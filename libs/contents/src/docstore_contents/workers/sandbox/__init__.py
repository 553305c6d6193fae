"""What confines a process that reads other people's files: Landlock and seccomp, set up by the process itself."""
