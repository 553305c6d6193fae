"""Search engines behind one interface: Tantivy or OpenSearch."""
