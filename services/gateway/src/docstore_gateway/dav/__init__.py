"""WebDAV: the public API for file managers and other programs that know no other protocol."""
