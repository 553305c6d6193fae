from docstore_platform.serve import serve
from docstore_quota.app import create_app

serve(create_app, "quota")
