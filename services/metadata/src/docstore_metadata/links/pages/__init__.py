"""The HTML pages of public links."""
