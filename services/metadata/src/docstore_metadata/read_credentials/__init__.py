"""Temporary credentials to read the contents of a folder with any S3 tool."""
