"""What administrators see and change of all accounts."""
