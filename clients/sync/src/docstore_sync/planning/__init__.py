"""Plans: which steps make the local and the remote tree equal. Standard library only."""
