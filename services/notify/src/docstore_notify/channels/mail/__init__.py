"""E-mails: rendering and transports."""
