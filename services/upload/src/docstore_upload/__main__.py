"""`python -m docstore_upload`: the service on its own, on port PORT."""

from docstore_platform.service.serve import serve
from docstore_upload.app import create_app

serve(create_app, "upload")
