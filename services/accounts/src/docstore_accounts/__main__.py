"""`python -m docstore_accounts`: the service on its own, on port PORT."""

from docstore_accounts.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "accounts")
