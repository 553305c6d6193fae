"""The whole service on OpenSearch: more than one instance, and a node that dies."""

from pathlib import Path

import pytest
from indexer_world import World
from opensearch_nodes import running_node

from docstore_indexer.engines.engine import EngineFailed
from docstore_platform.ids import new_id
from docstore_platform.service.client import register_local_app
from docstore_platform.testing import eventually

pytestmark = [pytest.mark.connected, pytest.mark.opensearch]


async def test_two_instances_share_the_work_and_one_index(world: World, tmp_path: Path) -> None:
    """Each file is indexed once, by either instance, and both find all; a rebuild by one serves both."""
    grouped = world.infra.model_copy(update={"single_instance": False})
    async with world.running(infra=grouped), world.indexer(infra=grouped, folder=tmp_path / "second") as second:
        ann = await world.person("premium")
        states = [await world.add(ann, f"note {number}.txt", b"common walrus") for number in range(12)]
        names = [state.name for state in states]
        await world.finds(ann, "walrus", *names, scope="content")
        await world.settled()
        for state in states:
            assert len(await world.until_published(state.file_id, "file-indexed")) == 1
        await world.internal("POST", "/internal/rebuild")
        await world.delete(states[0].file_id)
        assert (await world.rebuilt())["state"] == "done"
        register_local_app(world.infra.indexer_url, second)
        await world.finds(ann, "walrus", *names[1:], scope="content")


@pytest.mark.faults
async def test_files_uploaded_while_the_node_is_dead_are_found_when_it_is_back(world: World, tmp_path: Path) -> None:
    """Killed in the middle of the work: searching answers 503, uploads go on, and afterwards nothing is missing."""
    async with running_node(tmp_path / "node") as node:
        world.engine = {**world.engine, "opensearch_url": node.url, "opensearch_index": f"t{new_id()}"}
        async with world.running():
            ann = await world.person("premium")
            names = [f"note {number}.txt" for number in range(40)]
            for number, name in enumerate(names):
                await world.add(ann, name, b"common walrus")
                if number == 20:
                    await node.kill()
            assert await world.refused(ann, "q=note") == (503, "unavailable")
            await node.start()

            async def everything() -> bool:
                answer = await world.call("GET", "/v1/search?q=walrus&in=content&limit=100", bearer=world.token(ann))
                found = answer.json()["items"] if answer.status == 200 else []
                return sorted(item["file"]["name"] for item in found) == sorted(names)

            await eventually(everything)


async def test_without_its_cluster_the_service_does_not_start(world: World) -> None:
    """The failure names the cluster, and what started it tries again."""
    world.engine = {**world.engine, "opensearch_url": "http://127.0.0.1:1"}
    with pytest.raises(EngineFailed, match="is unreachable"):
        async with world.running():
            pytest.fail("it has started")
