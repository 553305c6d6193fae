"""The model of files and folders that every feature builds on: nodes, paths, permissions, look-ups."""
