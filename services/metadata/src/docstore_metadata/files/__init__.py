"""Single files and folders: look at, make, rename, move, tag and copy them."""
