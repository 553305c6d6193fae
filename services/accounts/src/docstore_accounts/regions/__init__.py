"""Several regions: one account per e-mail address in all of them together (docs/adr/0009-regions.md)."""
