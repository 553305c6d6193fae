"""Files and folders: where they are, and changes to them."""
