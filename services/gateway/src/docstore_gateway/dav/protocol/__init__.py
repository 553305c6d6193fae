"""Requests as RFC 4918 has them: URLs, headers, conditions and XML, and the resources that they name."""
