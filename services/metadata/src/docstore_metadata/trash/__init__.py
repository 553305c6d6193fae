"""The trash: delete, restore and purge."""
