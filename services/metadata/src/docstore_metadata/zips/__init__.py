"""Files and folders as a ZIP."""
