"""Upload sessions: one file each, by form, PUT, parts, credentials or blocks."""
