"""Every event of DocStore, and how events get from the service that says them to the services that react."""
