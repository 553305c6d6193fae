"""`python -m docstore_gateway`: the service on its own, on port PORT."""

from functools import partial

from docstore_gateway.app import create_app
from docstore_gateway.settings import GatewaySettings
from docstore_platform.service.serve import serve

settings = GatewaySettings()
serve(partial(create_app, settings), "gateway", settings.connection_limits())
