"""Proof that an account's owner reads the mails to its e-mail address."""
