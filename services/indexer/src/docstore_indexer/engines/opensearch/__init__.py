"""The search engine in an OpenSearch cluster."""
