"""Makes a stack reachable from other machines: a TLS proxy before its gateway and its object store."""
