"""Languages of the texts of an account."""
