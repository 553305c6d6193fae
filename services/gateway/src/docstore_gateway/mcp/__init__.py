"""Model Context Protocol at `/mcp`: the files of an account as tools for assistants."""
