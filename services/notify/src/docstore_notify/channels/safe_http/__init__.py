"""HTTP calls of addresses that anyone may have chosen."""
