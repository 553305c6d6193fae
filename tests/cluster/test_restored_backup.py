"""A release's backup, taken by the chart's job and restored into a namespace with servers of its own."""

import json
from pathlib import Path

import pytest
from cluster import Cluster
from installed_chart import PATIENCE, RELEASE, Installed, Place, prepared_release
from people import PASSWORD, Person

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(0)]

PLACE = Place("restored", "data-restored", gateway_port=30081, store_port=30334)
CONTENTS = {f"/letters/cormorant {number}.txt": b"letter %d" % number for number in range(5)}
JOB = f"cronjob/{RELEASE}-backup"


def run_backup_job(release: Installed, name: str, *command: str) -> None:
    """Run the chart's backup job once, or another command in its place; AssertionError if it fails."""
    job = release.kubectl("create", "job", name, f"--from={JOB}", "--dry-run=client", "--output=json")
    if command:
        place = "/spec/template/spec/containers/0/command"
        patch = json.dumps([{"op": "replace", "path": place, "value": command}])
        local = ("patch", "--local", "--filename=-", "--type=json", "--output=json")
        job = release.kubectl(*local, f"--patch={patch}", text=job)
    release.kubectl("create", "--filename=-", text=job)
    release.kubectl("wait", "--for=condition=Complete", f"job/{name}", f"--timeout={PATIENCE}")


async def test_a_backup_is_restored_into_another_namespace(
    installed: Installed, two_nodes: Cluster, tmp_path: Path
) -> None:
    """Someone logs in there with the same password, and finds their files with their contents, and by their names."""
    target = f"s3://docstore-backups-{installed.place.region}/files"
    backup = ("--set", f"backup.target={target}", "--set", f"backup.endpoint={installed.place.store}")
    async with await Person.new(installed.gateway) as ada:
        for path, content in CONTENTS.items():
            upload = await ada.begin(path, len(content))
            await ada.put(upload["put"], content)
            await ada.complete(upload)
        installed.upgrade(*backup)
        run_backup_job(installed, "backup-now")
    with prepared_release(two_nodes, PLACE, tmp_path) as restored:
        _give_secrets(installed, restored)
        restored.upgrade(*backup, "--set", "defaults.enabled=false")
        run_backup_job(restored, "restore", "docstore", "restore-backup", target, "--endpoint", installed.place.store)
        restored.upgrade()
        async with Person(restored.gateway) as again:
            await again.log_in(ada.email, PASSWORD)
            files = await again.every("/v1/files", path="/letters")
            assert {file["path"]: await again.content(file["id"]) for file in files} == CONTENTS
            await again.found("cormorant", *CONTENTS)


def _give_secrets(former: Installed, restored: Installed) -> None:
    """Those of the former services, but for the addresses of servers and the keys of the object store."""
    of_servers = ("DOCSTORE_MONGO_URL", "DOCSTORE_S3_ACCESS_KEY_ID", "DOCSTORE_S3_SECRET_ACCESS_KEY")
    for name, variables in former.secrets.items():
        if name == "docstore-backup":
            continue
        own = {key: value for key, value in restored.secrets[name].items() if key in of_servers}
        restored.write_secret(name, {**variables, **own})
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")  # of the bucket of backups
    of_backups = {key: former.secrets["docstore-backup"][key] for key in keys}
    restored.write_secret("docstore-backup", {**restored.secrets["docstore-backup"], **of_backups})
