from docstore_notify.app import create_app
from docstore_platform.serve import serve

serve(create_app, "notify")
