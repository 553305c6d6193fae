"""Every event of DocStore, and how events travel from publisher to consumers."""
