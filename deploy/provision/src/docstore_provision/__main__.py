"""`python -m docstore_provision`: prepare the database, once or again; status 1 with the reason if that failed."""

import sys

from pymongo.errors import PyMongoError

from docstore_provision.mongo import provision_mongo
from docstore_provision.settings import ProvisionSettings

try:
    provision_mongo(ProvisionSettings())
except (PyMongoError, TimeoutError) as error:
    sys.exit(f"MongoDB could not be prepared: {error}")
