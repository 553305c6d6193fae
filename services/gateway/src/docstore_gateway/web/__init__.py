"""The web page: its built files, log-ins with cookies, and upload pages without JavaScript."""
