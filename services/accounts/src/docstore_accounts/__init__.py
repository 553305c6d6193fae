"""The accounts service: accounts, passwords, sessions, access tokens, regions."""
