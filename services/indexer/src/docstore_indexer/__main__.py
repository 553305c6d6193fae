"""`python -m docstore_indexer`: the service on its own, on port PORT."""

from docstore_indexer.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "indexer")
