"""Names, addresses and languages of accounts."""
