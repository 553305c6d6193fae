"""DuckDB in short-lived processes."""
