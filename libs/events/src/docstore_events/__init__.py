"""Every event of DocStore, and how events travel from the service that publishes them to those that handle them."""
