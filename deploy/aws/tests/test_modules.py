"""The infrastructure as code is consistent, private, encrypted, and takes its policies from deploy/policies.

The provider's schemas are not here: `tofu validate` knows those.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest
from source_reading import uses_object_store

from docstore_platform.services import SERVICE_NAMES

AWS = Path(__file__).parents[1]
POLICIES = AWS.parent / "policies" / "aws"
MODULES = sorted({file.parent for file in AWS.rglob("*.tf")})
EXAMPLES = ("111122223333", "us-west-2", "docstore.example", "0000000000000000")
ENCRYPTED = {
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_kms_key": "enable_key_rotation",
    "aws_s3_bucket_server_side_encryption_configuration": "rule.apply_server_side_encryption_by_default.sse_algorithm",
    "aws_msk_cluster": "encryption_info.encryption_at_rest_kms_key_arn",
    "aws_opensearch_domain": "encrypt_at_rest.kms_key_id",
    "aws_eks_cluster": "encryption_config.provider.key_arn",
    "aws_launch_template": "block_device_mappings.ebs.encrypted",
}
"""Arguments that encrypt a resource."""
WANTED = {
    ("aws_eks_cluster", "vpc_config.endpoint_public_access"): False,
    ("aws_kms_key", "enable_key_rotation"): True,
    ("aws_launch_template", "metadata_options.http_tokens"): "required",
    ("aws_msk_cluster", "encryption_info.encryption_in_transit.client_broker"): "TLS",
    ("aws_msk_cluster", "client_authentication.sasl.scram"): True,
    ("aws_opensearch_domain", "domain_endpoint_options.enforce_https"): True,
    ("aws_opensearch_domain", "node_to_node_encryption.enabled"): True,
}

modules = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
Json = dict[str, Any]


@cache
def parsed(module: Path) -> Json:
    """All blocks of a module by kind, their labels without quotes."""
    found: Json = {}
    for file in sorted(module.glob("*.tf")):
        with file.open() as text:
            for kind, blocks in hcl2.load(text).items():
                found.setdefault(kind, []).extend(blocks)
    return found


def source(module: Path) -> str:
    """A module's text without comments."""
    texts = [file.read_text() for file in sorted(module.glob("*.tf"))]
    return re.sub(r"(?m)^\s*#.*$", "", "\n".join(texts))


def labelled(module: Path, kind: str) -> dict[str, Json]:
    """Blocks with one label: variables, outputs, modules."""
    blocks = parsed(module).get(kind, [])
    return {name.strip('"'): body for block in blocks for name, body in block.items()}


def resources(module: Path) -> Iterator[tuple[str, str, Json]]:
    for block in parsed(module).get("resource", []):
        for kind, named in block.items():
            for name, body in named.items():
                yield kind.strip('"'), name.strip('"'), body


def at(body: Any, path: str) -> Any:
    """The value at a path of nested blocks; None if it is not there."""
    for name in path.split("."):
        body = body[0] if isinstance(body, list) and body else body
        body = body.get(name) if isinstance(body, dict) else None
    return body.strip('"') if isinstance(body, str) else body


@modules
def test_variables_are_declared_described_and_used(module: Path) -> None:
    """Each has a type and a description, and none is left over."""
    declared = labelled(module, "variable")
    assert set(re.findall(r"\bvar\.(\w+)", source(module))) == declared.keys()
    assert [name for name, body in declared.items() if not {"type", "description"} <= body.keys()] == []


@modules
def test_references_lead_to_something(module: Path) -> None:
    """Resources, data, locals and outputs of other modules that are named exist."""
    text = source(module)
    known = {f"{kind}.{name}" for kind, name, _ in resources(module)}
    assert {f"{kind}.{name}" for kind, name in re.findall(r"(?<!data\.)\b(aws_\w+)\.(\w+)", text)} <= known
    found = {kind.strip('"') for block in parsed(module).get("data", []) for kind in block}
    assert {kind for kind, _ in re.findall(r"\bdata\.(\w+)\.(\w+)", text)} == found
    locals_ = {name for block in parsed(module).get("locals", []) for name in block if not name.startswith("__")}
    assert set(re.findall(r"\blocal\.(\w+)", text)) == locals_
    called = labelled(module, "module")
    for name, output in re.findall(r"\bmodule\.(\w+)\.(\w+)", text):
        assert output in labelled(folder_of(module, called[name]), "output"), f"{name} has no output {output}"


@modules
def test_modules_get_what_they_need(module: Path) -> None:
    """Every variable without a default, and nothing else."""
    for name, body in labelled(module, "module").items():
        variables = labelled(folder_of(module, body), "variable")
        given = {key for key in body if not key.startswith("__")} - {"source", "providers"}
        needed = {key for key, variable in variables.items() if "default" not in variable}
        assert needed <= given <= variables.keys(), name


def folder_of(module: Path, call: Json) -> Path:
    return (module / str(call["source"]).strip('"')).resolve()


def test_every_module_is_part_of_a_region() -> None:
    """Nothing is shipped that nothing uses; what is for all regions stands alone."""
    used = {folder_of(AWS / "region", body) for body in labelled(AWS / "region", "module").values()}
    assert used == {module for module in MODULES if module.parent.name == "modules"}


def test_policies_are_those_of_deploy_policies() -> None:
    """Each file is used, and after the replacements of the policies module no example name is left in it."""
    replacements = re.findall(r'^\s+"([^"]+)", (?:var\.(\w+)|"([^"]+)")\)', source(AWS / "modules/policies"), re.M)
    assert len(replacements) == 11
    for file in POLICIES.glob("*.json"):
        text = file.read_text()
        for old, variable, pattern in replacements:
            text = text.replace(old, f"<{variable}>" if variable else pattern.replace("${var.region}", "<region>"))
        assert [name for name in EXAMPLES if name in text] == [], file.name
        json.loads(text)
    text = "".join(source(AWS / "modules" / name) for name in ("storage", "roles", "logs"))
    named = set(re.findall(r'policies\["([\w-]+)"\]', text)) | {"reader-role", "uploader-role", *services()}
    assert named == {file.stem for file in POLICIES.glob("*.json")}


def services() -> set[str]:
    (listed,) = re.findall(r"store_users = \[([^\]]+)\]", source(AWS / "modules/roles"))
    return {*re.findall(r'"(\w+)"', listed), "backup", "gateway", "notify"}


def test_each_service_that_uses_the_store_has_a_role() -> None:
    """As the sources say; also notify, which sends mail, the gateway, which searches logs, and the jobs of backups."""
    assert services() == {name for name in SERVICE_NAMES if uses_object_store(name)} | {"backup", "gateway", "notify"}


@modules
def test_nothing_is_public(module: Path) -> None:
    """No network of everyone, no public bucket, no permission for anyone; brokers and nodes stay inside."""
    text = source(module)
    for word in ("0.0.0.0/0", "::/0", "public-read", "aws_s3_bucket_acl", "publicly_accessible", "map_public_ip"):
        assert word not in text
    assert not re.search(r'Principal\s*=\s*("\*"|\{\s*AWS\s*=\s*"\*")', text)
    for (kind, path), value in WANTED.items():
        for found, name, body in resources(module):
            assert found != kind or at(body, path) == value, f"{kind}.{name}: {path}"


@pytest.mark.parametrize(("module", "buckets"), [("storage", "this"), ("logs", "logs")])
def test_all_buckets_are_closed_and_speak_tls(module: str, buckets: str) -> None:
    """Whatever bucket there is: public access is blocked, and its policy is the one of deploy/policies."""
    guarded = {"public_access_block", "policy", "server_side_encryption_configuration", "ownership_controls"}
    for kind, _, body in resources(AWS / "modules" / module):
        if kind.removeprefix("aws_s3_bucket_") in guarded:
            assert f"{{aws_s3_bucket.{buckets}" in str(body.get("for_each", body["bucket"]))
            guarded.discard(kind.removeprefix("aws_s3_bucket_"))
    assert guarded == set()
    assert set(json.loads((POLICIES / "bucket-public-access-block.json").read_text()).values()) == {True}
    assert [module.name for module in MODULES if '"aws_s3_bucket"' in source(module)] == ["logs", "storage"]


@modules
def test_everything_that_stores_is_encrypted(module: Path) -> None:
    """With a key of one's own, in every resource of a kind that can be."""
    for kind, name, body in resources(module):
        if kind in ENCRYPTED:
            assert at(body, ENCRYPTED[kind]) not in (None, False, ""), f"{kind}.{name}"


def test_the_cdn_serves_contents_to_signed_urls_only() -> None:
    """Every path but the assets needs the key group, and nothing is served without TLS."""
    (distribution,) = (
        body for kind, _, body in resources(AWS / "modules/cdn") if kind == "aws_cloudfront_distribution"
    )
    behaviours = [*distribution["default_cache_behavior"], *distribution["ordered_cache_behavior"]]
    assert [at(each, "path_pattern") for each in behaviours] == [None, "/previews/*", "/assets/*"]
    assert ["trusted_key_groups" in each for each in behaviours] == [True, True, False]
    assert {at(each, "viewer_protocol_policy") for each in behaviours} == {"https-only"}
    assert at(distribution, "viewer_certificate.minimum_protocol_version") == "TLSv1.2_2021"


def test_files_are_formatted() -> None:
    """As OpenTofu and Terraform do, where one of them is."""
    program = shutil.which("tofu") or shutil.which("terraform")
    if program is None:
        pytest.skip("neither tofu nor terraform is here")
    done = subprocess.run(
        [program, "fmt", "-check", "-recursive", str(AWS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
