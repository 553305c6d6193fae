"""People's own accounts: show and change them."""
