"""The gateway: the public API of all services, WebDAV, MCP, push of changes, the web page."""
