"""Display names and e-mail addresses of people."""
