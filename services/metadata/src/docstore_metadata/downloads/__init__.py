"""Contents on their way to whoever may read them."""
