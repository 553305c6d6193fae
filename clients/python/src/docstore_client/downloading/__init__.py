"""Downloads: verified, resumed, many files at once."""
