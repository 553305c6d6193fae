"""`python -m docstore_provision mongo|kafka`: prepare the server; repeatable; status 1 with the reason if it failed."""

import sys

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from docstore_provision.kafka import KafkaRefused, provision_kafka
from docstore_provision.mongo import provision_mongo
from docstore_provision.settings import KafkaProvisionSettings, ProvisionSettings

match sys.argv[1:]:
    case ["mongo"]:
        try:
            provision_mongo(ProvisionSettings())
        except (PyMongoError, TimeoutError) as error:
            sys.exit(f"MongoDB could not be prepared: {error}")
    case ["kafka"]:
        try:
            provision_kafka(KafkaProvisionSettings())
        except (KafkaError, KafkaRefused) as error:
            sys.exit(f"Kafka could not be prepared: {error!r}")
    case _:
        sys.exit("usage: python -m docstore_provision mongo|kafka")
