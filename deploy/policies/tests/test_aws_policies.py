"""The shipped AWS policies allow what the code does, and nothing more."""

import inspect
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from source_reading import RUN_BY_OPERATORS, functions_called, methods_called, modules_imported, uses_object_store

from docstore_contents.s3.multipart import MultipartUploads
from docstore_contents.s3.presigned import Presigner
from docstore_contents.s3.storage_classes import StorageClasses
from docstore_contents.s3.store import ObjectStore
from docstore_contents.s3.sts import read_policy, upload_policy
from docstore_platform.services import SERVICE_NAMES

AWS = Path(__file__).parents[1] / "aws"
BUCKET = "docstore-content-us-west-2"
PROCESSED = "docstore-processed-us-west-2"

# Completing, aborting and listing are separate rights; creating an upload and sending parts are PutObject.
READ = {"s3:GetObject"}
WRITE = {"s3:PutObject"}
ACTIONS: dict[str, set[str]] = {
    "head": READ | {"s3:ListBucket"},  # without ListBucket an object that is missing is "forbidden"
    "head_many": READ | {"s3:ListBucket"},
    "fetch": READ | {"s3:ListBucket"},
    "get": READ | {"s3:ListBucket"},
    "get_range": READ | {"s3:ListBucket"},
    "get_tail": READ | {"s3:ListBucket"},
    "peek": READ | {"s3:ListBucket"},
    "put": WRITE,
    "copy": READ | WRITE,
    "stored_state": READ | {"s3:ListBucket"},
    "change_class": READ | WRITE,
    "restore_object": {"s3:RestoreObject"},
    "tag": {"s3:PutObjectTagging"},
    "delete": {"s3:DeleteObject"},
    "delete_many": {"s3:DeleteObject"},
    "sha256_of": READ,
    "download": READ | {"s3:ListBucket"},
    "create_multipart": WRITE,
    "list_parts": {"s3:ListMultipartUploadParts"},
    "list_part_copies": {"s3:ListMultipartUploadParts"},
    "list_page": {"s3:ListBucket"},
    "unfinished_uploads": {"s3:ListBucketMultipartUploads"},
    "complete_multipart": WRITE,
    "put_file": WRITE,
    "abort_multipart": {"s3:AbortMultipartUpload"},
    "clear": {"s3:ListBucketMultipartUploads", "s3:ListBucket", "s3:AbortMultipartUpload", "s3:DeleteObject"},
    "ensure_bucket": {"s3:CreateBucket", "s3:ListBucket"},
    "presign_get": READ,
    "presign_put": WRITE,
    "presign_part": WRITE,
    "presign_post": WRITE,
    "cookies": set(),  # signed with the key of the CDN
}
TRANSCRIPTION = {
    "put_object": "s3:PutObject",
    "get_object": "s3:GetObject",
    "delete_object": "s3:DeleteObject",
    "start_transcription_job": "transcribe:StartTranscriptionJob",
    "get_transcription_job": "transcribe:GetTranscriptionJob",
    "delete_transcription_job": "transcribe:DeleteTranscriptionJob",
}
OWN_QUERIES = {"logs:GetQueryResults", "logs:StopQuery"}
STORES = ("store", "objects", "presigner", "pictures")
"""What services call their object store; metadata's own store of documents has none of these methods but one."""

NOTIFY = {
    "send_email": {"ses:SendEmail", "ses:SendRawEmail"},  # sesv2 asks the second for a mail that is given as it is
    "publish": {"sns:Publish"},
    "send_message": {"sqs:SendMessage"},
    "put_events": {"events:PutEvents"},
    "assume_role": {"sts:AssumeRole"},
}


def policy(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads((AWS / f"{name}.json").read_text())["Statement"]
    return statements


def allowed(name: str) -> set[str]:
    return {action for each in policy(name) if each["Effect"] == "Allow" for action in _list(each["Action"])}


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def uses(service: str) -> set[str]:
    """The S3 rights that a service's calls of its object store need."""
    methods = {method for owner, method in methods_called(service) if owner in STORES and method in ACTIONS}
    actions = {action for method in methods for action in ACTIONS[method]}
    if "Contents" in functions_called(service):
        actions |= READ | {"s3:ListBucket"}
    if {"upload_credentials", "read_credentials"} & functions_called(service):
        actions.add("sts:AssumeRole")
    return actions


def test_every_way_to_the_object_store_has_its_rights_named() -> None:
    """A new method of the store must list its permissions here, before any policy can allow it."""
    methods = {
        name
        for kind in (ObjectStore, MultipartUploads, Presigner, StorageClasses)
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert methods == set(ACTIONS)


@pytest.mark.parametrize("service", SERVICE_NAMES)
def test_a_service_may_do_with_s3_what_its_code_does(service: str) -> None:
    """No right is missing, and none is left over from what the code once did; others have none at all."""
    if uses_object_store(service):
        assert allowed(service) == uses(service)
    elif (AWS / f"{service}.json").exists():
        assert not any(action.startswith("s3:") for action in allowed(service))


@pytest.mark.parametrize("service", RUN_BY_OPERATORS)
def test_no_service_runs_what_is_for_operators(service: str) -> None:
    """Its policy has no rights for that, such as to delete what is evidence."""
    assert f"docstore_{service}.{RUN_BY_OPERATORS[service].removesuffix('.py')}" not in modules_imported(service)


def test_content_is_reached_below_accounts_only() -> None:
    """Every object's key begins with accounts/; what else is in the bucket stays closed."""
    for name in ("upload", "metadata", "indexer", "uploader-role", "reader-role"):
        for statement in policy(name):
            objects = [action for action in _list(statement["Action"]) if "Object" in action or "Part" in action]
            if objects:
                assert statement["Resource"] == f"arn:aws:s3:::{BUCKET}/accounts/*", (name, statement)


def test_media_reads_content_and_writes_previews_only() -> None:
    """Each bucket its own statement: what is rendered never reaches the originals."""
    objects = {
        statement["Resource"]: set(_list(statement["Action"]))
        for statement in policy("media")
        if any("Object" in action for action in _list(statement["Action"]))
    }
    assert objects == {
        f"arn:aws:s3:::{BUCKET}/accounts/*": READ,
        f"arn:aws:s3:::{PROCESSED}/previews/*": READ | WRITE | {"s3:DeleteObject"},
    }


def test_the_archive_is_all_that_analytics_reaches() -> None:
    """No content; and none of the others reaches the archive, whose entries are evidence."""
    for statement in policy("analytics"):
        if any("Object" in action for action in _list(statement["Action"])):
            assert statement["Resource"] == f"arn:aws:s3:::{BUCKET}/archive/*"
    assert not any("Delete" in action for action in allowed("analytics"))


def test_access_logs_are_read_where_s3_stores_them_and_never_written() -> None:
    """By analytics; S3 alone stores them, for the two buckets, below the prefixes that are read."""
    statements = {statement["Sid"]: statement for statement in policy("analytics-access-logs")}
    assert {action for each in statements.values() for action in each["Action"]} == READ | {"s3:ListBucket"}
    read = statements["ReadAccessLogs"]["Resource"]
    listed = statements["ListAccessLogs"]
    assert [f"{listed['Resource']}/{prefix}" for prefix in listed["Condition"]["StringLike"]["s3:prefix"]] == read
    (stored,) = [each for each in policy("log-bucket-policy") if each["Effect"] == "Allow"]
    assert (stored["Principal"], stored["Action"]) == ({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject")
    assert set(stored["Resource"]) < set(read)
    assert stored["Condition"]["ArnLike"]["aws:SourceArn"] == [f"arn:aws:s3:::{each}" for each in (BUCKET, PROCESSED)]


def test_transcription_reaches_its_own_bucket_and_jobs_alone() -> None:
    """No content: the indexer copies what is to be transcribed. What its code calls is allowed, and nothing more."""
    needed = {"s3:ListBucket"}
    for call, action in TRANSCRIPTION.items():
        assert f".{call}(" in _source("indexer"), call
        needed.add(action)
    assert allowed("indexer-transcription") == needed
    named = "docstore-transcription-us-west-2"
    for statement in policy("indexer-transcription"):
        own_jobs = statement["Resource"] == "arn:aws:transcribe:us-west-2:111122223333:transcription-job/docstore-*"
        assert own_jobs or named in json.dumps(statement), statement
    (start,) = [each for each in policy("indexer-transcription") if each["Resource"] == "*"]
    assert start["Condition"] == {"StringEquals": {"transcribe:OutputBucketName": named}}


def test_the_gateway_searches_logs_and_nothing_else() -> None:
    """Those of DocStore's services alone, as its code does."""
    calls = {"start_query", "get_query_results", "stop_query"}
    assert all(f"client.{call}" in _source("gateway") for call in calls)
    assert allowed("gateway") == {"logs:StartQuery"} | OWN_QUERIES
    (started,) = [each for each in policy("gateway") if each["Action"] == ["logs:StartQuery"]]
    assert started["Resource"] == "arn:aws:logs:us-west-2:111122223333:log-group:/docstore/*"


def test_lent_credentials_stay_within_the_lent_role() -> None:
    """A session's policy can only narrow what its role has: the role has that and no more."""
    session = upload_policy(BUCKET, "accounts/a/uploads/u/incoming/content")["Statement"]
    lent = {action for each in session if each["Effect"] == "Allow" for action in each["Action"]}
    assert allowed("uploader-role") == lent
    read = read_policy(BUCKET, ["accounts/a/uploads/u/content"])["Statement"]
    assert allowed("reader-role") == {a for each in read if each["Effect"] == "Allow" for a in each["Action"]}


@pytest.mark.parametrize(("service", "role"), [("upload", "uploader"), ("metadata", "reader")])
def test_only_one_service_lends_credentials_of_a_role(service: str, role: str) -> None:
    """The role trusts one other, and that service's policy names that one role."""
    (trust,) = policy(f"{role}-role-trust")
    assert trust["Principal"]["AWS"].endswith(f":role/docstore-{service}")
    lending = [each for each in policy(service) if "sts:AssumeRole" in each["Action"]]
    assert [each["Resource"] for each in lending] == [f"arn:aws:iam::111122223333:role/docstore-{role}"]


def test_a_services_role_trusts_its_own_pods_alone() -> None:
    """One service account, by name, and tokens made for AWS."""
    (trust,) = policy("service-role-trust")
    provider = trust["Principal"]["Federated"].partition("oidc-provider/")[2]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": "system:serviceaccount:docstore:docstore-SERVICE",
        }
    }


def test_notify_may_do_with_aws_what_its_code_does() -> None:
    """By its own right it sends e-mail and takes on roles of customers; the rest is what an operator may add."""
    calls = {method for owner, method in methods_called("notify") if method in NOTIFY}
    calls |= {name for name in NOTIFY if f"client.{name}" in _source("notify")}
    needed = {action for call in calls for action in NOTIFY[call]}
    assert calls == set(NOTIFY)
    assert allowed("notify") | allowed("notify-own-resources") == needed
    assert not allowed("notify") & allowed("notify-own-resources")


def test_text_messages_reach_phones_and_no_topics() -> None:
    """A topic has an ARN, a phone has none."""
    (statement,) = policy("notify-text-messages")
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["sns:Publish"])
    assert statement["NotResource"] == "arn:aws:sns:*:*:*"
    assert "Resource" not in statement


def test_notify_takes_on_no_role_of_its_own_account() -> None:
    """A customer who names one of the operator's roles as his gets nothing."""
    (denied,) = (each for each in policy("notify") if each["Effect"] == "Deny")
    assert denied["Action"] == ["sts:AssumeRole"]
    assert denied["Resource"] == "arn:aws:iam::111122223333:role/*"


@pytest.mark.parametrize("path", sorted(AWS.glob("*.json")), ids=lambda path: path.stem)
def test_no_policy_allows_everything(path: Path) -> None:
    """No wildcard among what is allowed; wildcards in resources end a named prefix.

    Starting a transcription has no resource: a condition names its bucket instead. Queries of logs have none either;
    only who has started one knows its id.
    """
    for statement in json.loads(path.read_text()).get("Statement", []):
        if statement["Effect"] == "Allow":
            assert not any("*" in action for action in _list(statement["Action"])), statement
            is_limited = "transcribe:OutputBucketName" in str(statement) or set(statement["Action"]) == OWN_QUERIES
            assert statement.get("Resource") != "*" or is_limited, statement


def test_the_bucket_refuses_connections_without_tls() -> None:
    """Also those of people with rights to it."""
    denied = next(each for each in policy("bucket-policy") if "Bool" in each["Condition"])
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]


def test_unfinished_uploads_outlive_what_a_client_may_take() -> None:
    """The bucket's own clean-up never takes parts away from an upload that is still open."""
    from docstore_upload.settings import UploadSettings

    days = json.loads((AWS / "bucket-lifecycle.json").read_text())["Rules"][0]["AbortIncompleteMultipartUpload"]
    longest = UploadSettings.model_fields["multipart_lifetime_seconds"].default
    assert days["DaysAfterInitiation"] * 86_400 > longest


def test_the_lifecycle_moves_what_metadata_marks_to_a_class_that_is_read_at_once() -> None:
    """The rule looks for the very tag, below the prefix of contents."""
    from docstore_metadata.versions.tiering import OLD_CONTENT

    rule = json.loads((AWS / "bucket-lifecycle.json").read_text())["Rules"][1]
    found = rule["Filter"]["And"]
    assert {tag["Key"]: tag["Value"] for tag in found["Tags"]} == OLD_CONTENT
    assert found["Prefix"] == "accounts/"
    assert [move["StorageClass"] for move in rule["Transitions"]] == ["GLACIER_IR"]


@mock_aws
def test_s3_takes_the_lifecycle_as_it_is() -> None:
    """What is shipped is kept by a bucket, rule by rule."""
    s3 = boto3.client("s3", region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    shipped = json.loads((AWS / "bucket-lifecycle.json").read_text())
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=shipped)
    kept = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert [rule["ID"] for rule in kept] == [rule["ID"] for rule in shipped["Rules"]]
    assert kept[1]["Filter"] == shipped["Rules"][1]["Filter"]
    assert kept[1]["Transitions"] == shipped["Rules"][1]["Transitions"]


def _source(service: str) -> str:
    folder = Path(__file__).parents[3] / "services" / service / "src"
    return "\n".join(path.read_text() for path in folder.rglob("*.py"))
