"""Several regions: an e-mail address has at most one account in all of them (docs/adr/0009-regions.md)."""
