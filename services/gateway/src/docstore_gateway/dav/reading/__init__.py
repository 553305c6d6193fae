"""GET, HEAD and PROPFIND."""
