from docstore_gateway.app import create_app
from docstore_platform.serve import serve

serve(create_app, "gateway")
