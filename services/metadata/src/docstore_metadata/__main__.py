"""`python -m docstore_metadata`: the service on its own, on port PORT."""

from docstore_metadata.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "metadata")
