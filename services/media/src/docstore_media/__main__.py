"""`python -m docstore_media`: the service on its own, on port PORT."""

from docstore_media.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "media")
