from docstore_platform.serve import serve

from docstore_gateway.app import create_app

serve(create_app, "gateway")
