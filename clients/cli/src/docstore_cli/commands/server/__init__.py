"""Commands that call any server as it is."""
