"""What visitors do with the token of a link, without an account."""
