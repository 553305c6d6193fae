"""Files and folders as routes read and show them."""
