"""`python -m docstore_notify`: the service on its own, on port PORT."""

from docstore_notify.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "notify")
