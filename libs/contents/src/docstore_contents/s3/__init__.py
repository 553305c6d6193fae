"""The object store, and the URLs, forms and credentials that clients use."""
