"""`python -m docstore_quota`: the service on its own, on port PORT."""

from docstore_platform.service.serve import serve
from docstore_quota.app import create_app

serve(create_app, "quota")
