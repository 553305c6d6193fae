"""The archive: every event, in Parquet files in the object store."""
