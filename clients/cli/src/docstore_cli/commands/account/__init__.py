"""Commands on the account, and the log-in of this machine."""
