"""HTTP calls of addresses that anybody may have chosen."""
