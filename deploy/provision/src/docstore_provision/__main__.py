"""`python -m docstore_provision mongo|kafka|s3`: prepare the server; repeatable; status 1 and the reason on failure."""

import sys

from botocore.exceptions import BotoCoreError, ClientError
from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from docstore_contents.s3.encryption import UploadsUnderWay
from docstore_provision.kafka import KafkaRefused, provision_kafka
from docstore_provision.mongo import provision_mongo
from docstore_provision.s3 import provision_s3
from docstore_provision.settings import KafkaProvisionSettings, ProvisionSettings, S3ProvisionSettings

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
    case ["s3"]:
        try:
            provision_s3(S3ProvisionSettings())
        except (BotoCoreError, ClientError, UploadsUnderWay) as error:
            sys.exit(f"The object store could not be prepared: {error}")
    case _:
        sys.exit("usage: python -m docstore_provision mongo|kafka|s3")
