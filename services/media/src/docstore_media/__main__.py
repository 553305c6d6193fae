from docstore_media.app import create_app
from docstore_platform.serve import serve

serve(create_app, "media")
