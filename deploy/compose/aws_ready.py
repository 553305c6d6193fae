"""Health check of the AWS stand-in: a restart loses its state, so the sender of our mails is verified each time."""

import os

import boto3

boto3.client(
    "ses",
    endpoint_url="http://127.0.0.1:5000",
    region_name="us-west-2",
    aws_access_key_id="local",
    aws_secret_access_key="local",
).verify_email_identity(EmailAddress=os.environ["SENDER"])
