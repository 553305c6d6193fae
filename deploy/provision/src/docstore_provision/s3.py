"""Encrypts the buckets of an object store that DocStore runs itself."""

from docstore_contents.s3.encryption import BucketEncryption
from docstore_contents.s3.presigned import S3Config
from docstore_provision.settings import S3ProvisionSettings


def provision_s3(settings: S3ProvisionSettings) -> None:
    """Encrypt new objects, then those that an earlier version stored in clear; repeatable.

    Raises BotoCoreError, ClientError, UploadsUnderWay.
    """
    keys = (settings.access_key_id, settings.secret_access_key.get_secret_value())
    for bucket in settings.buckets:
        encryption = BucketEncryption(S3Config(settings.endpoint, settings.endpoint, settings.region, *keys, bucket))
        if not encryption.is_encrypted():
            encryption.encrypt_new()
            print(f"{bucket}: {encryption.encrypt_existing()} objects of an earlier version are encrypted", flush=True)
