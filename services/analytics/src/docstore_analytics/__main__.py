from docstore_analytics.app import create_app
from docstore_platform.serve import serve

serve(create_app, "analytics")
