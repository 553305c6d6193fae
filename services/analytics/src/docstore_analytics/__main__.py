"""`python -m docstore_analytics`: the service on its own, on port PORT."""

from docstore_analytics.app import create_app
from docstore_platform.service.serve import serve

serve(create_app, "analytics")
