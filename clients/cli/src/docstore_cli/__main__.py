"""`python -m docstore_cli` is the `docstore` command."""

from docstore_cli.main import main

main()
