"""Places where backups are: a folder, or an S3 bucket."""
