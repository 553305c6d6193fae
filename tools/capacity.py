"""Computes docs/scale.md's tables from tools/capacity_inputs.toml: how much of what, the first limit, the cost.

python tools/capacity.py [INPUTS.toml]     prints them; without a file, they are written into docs/scale.md
"""

import math
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INPUTS = ROOT / "tools/capacity_inputs.toml"
TARGET = ROOT / "docs/scale.md"
BEGIN, END = "<!-- generated: tools/capacity.py -->", "<!-- end of generated -->"
DAY = 24 * 3600
HOURS = 730
REPLICAS = 3
"""Of a replica set: what writes cost, each member pays."""


@dataclass(frozen=True)
class Size:
    """What a number of accounts needs, in the busiest hour of the day."""

    accounts: int
    inputs: dict[str, Any]

    def rate(self, what: str) -> float:
        """Requests of a kind a second, in the busiest hour."""
        account = self.inputs["account"]
        return self.accounts * account["active"] * account[what] * account["peak"] / DAY

    def cpus(self, where: str) -> float:
        """Processors that requests keep busy."""
        costs = self.inputs["cpu"]
        kinds = {"changes": "change", "listings": "listing", "gets": "get"}
        return sum(self.rate(what) * costs[kind].get(where, 0) for what, kind in kinds.items()) / 1000

    @property
    def nodes(self) -> float:
        return self.accounts * self.inputs["account"]["files"]

    @property
    def versions(self) -> float:
        return self.nodes * self.inputs["account"]["versions_of_a_file"]

    @property
    def journal_entries(self) -> float:
        account = self.inputs["account"]
        a_day = self.accounts * account["active"] * account["changes"] * account["readers_of_a_change"]
        return a_day * self.inputs["bytes"]["journal_days"]

    @property
    def metadata_bytes(self) -> float:
        of_one = self.inputs["bytes"]
        return (
            self.nodes * of_one["node"]
            + self.versions * of_one["version"]
            + self.journal_entries * of_one["journal_entry"]
        )

    @property
    def content_bytes(self) -> float:
        return self.versions * self.inputs["account"]["bytes_of_a_version"]

    @property
    def events(self) -> float:
        return self.rate("changes") * sum(self.inputs["events"]["of_a_change"].values())

    @property
    def connections(self) -> float:
        return self.accounts * self.inputs["account"]["connected"]

    @property
    def lookups(self) -> float:
        """Processors of each shard that are busy with requests of other shards' accounts."""
        costs = self.inputs["cpu"]
        a_request = costs["lookups"]
        each = {"changes": a_request["change"], "listings": a_request["listing"], "gets": a_request["get"]}
        return sum(self.rate(what) * number for what, number in each.items()) * costs["lookup"] / 1000

    @cached_property
    def shards(self) -> int | None:
        """Replica sets of metadata; None if requests of other shards alone are too much for each of them."""
        limits = self.inputs["limits"]
        usable = limits["shard_cpus"] * limits["busy"]
        by_bytes = math.ceil(self.metadata_bytes / limits["shard_bytes"])
        own = self.cpus("mongod")
        if max(by_bytes, math.ceil(own / usable)) <= 1:
            return 1
        if self.lookups >= usable:
            return None
        return max(by_bytes, math.ceil(own / (usable - self.lookups)))

    @property
    def shards_by_owner(self) -> int:
        """Replica sets of metadata if every request named the owner."""
        limits = self.inputs["limits"]
        by_cpu = self.cpus("mongod") / (limits["shard_cpus"] * limits["busy"])
        return math.ceil(max(by_cpu, self.metadata_bytes / limits["shard_bytes"]))

    def partitions(self, topic: str) -> int:
        """As many as consumers of the slowest service need, and for few events as many as it may have instances."""
        bounds = self.inputs["limits"]
        events = self.rate("changes") * self.inputs["events"]["of_a_change"].get(topic, 0)
        return max(int(bounds["partitions_at_least"]), math.ceil(events / bounds["partition_events"]))

    @property
    def relay(self) -> float:
        """Processors that the busiest relay would need; it runs in one process."""
        rows = self.rate("changes") * self.inputs["events"]["of_a_change_in_one_outbox"]
        return rows * self.inputs["cpu"]["relay_row"] / 1000

    def instances(self, cpus: float, at_least: int = 2) -> int:
        return max(at_least, math.ceil(cpus / self.inputs["limits"]["busy"]))


def load(sizes: Sequence[Size]) -> list[str]:
    rows = {
        "files": [_round(size.nodes) for size in sizes],
        "versions, of which contents take": [
            f"{_round(size.versions)}, {_bytes(size.content_bytes)}" for size in sizes
        ],
        "journal entries": [_round(size.journal_entries) for size in sizes],
        "metadata in MongoDB, with indexes": [_bytes(size.metadata_bytes) for size in sizes],
        "changes a second": [_round(size.rate("changes")) for size in sizes],
        "listings / gets a second": [
            f"{_round(size.rate('listings'))} / {_round(size.rate('gets'))}" for size in sizes
        ],
        "events a second, of which written": [
            f"{_round(size.events)}, {_bytes(size.events * size.inputs['events']['bytes'])}/s" for size in sizes
        ],
        "open long polls": [_round(size.connections) for size in sizes],
    }
    return _table("in the busiest hour", sizes, rows)


def needs(sizes: Sequence[Size]) -> list[str]:
    rows = {
        "processors of services": [_round(size.instances(size.cpus("services"))) for size in sizes],
        "gateways for their connections": [
            _round(max(2, math.ceil(size.connections / size.inputs["limits"]["connections"]))) for size in sizes
        ],
        "replica sets of metadata, as ids are": [_shards(size.shards) for size in sizes],
        "the same, if ids named the owner": [_round(size.shards_by_owner) for size in sizes],
        **{
            f"partitions of the topic `{topic}`": [_round(size.partitions(topic)) for size in sizes]
            for topic in sizes[0].inputs["events"]["of_a_change"]
        },
        "partitions of each other topic": [_round(size.partitions("")) for size in sizes],
        "Kafka brokers": [_round(_brokers(size)) for size in sizes],
        "OpenSearch data nodes, with one replica": [_round(_search_nodes(size)) for size in sizes],
    }
    return _table("how many", sizes, rows)


def limits(sizes: Sequence[Size]) -> list[str]:
    """Each limit, as the share of it that is used: the first above 1 is met first."""
    bounds = sizes[0].inputs["limits"]
    usable = bounds["shard_cpus"] * bounds["busy"]
    used = {
        "one relay a service: a process": [size.relay / bounds["busy"] for size in sizes],
        "lookups for other shards: each primary": [
            size.lookups / usable if size.shards != 1 else 0.0 for size in sizes
        ],
        "one replica set of metadata: its primary": [size.cpus("mongod") / usable for size in sizes],
        "one replica set of metadata: its disk": [size.metadata_bytes / bounds["shard_bytes"] for size in sizes],
        "partitions of a topic": [size.partitions("files") / bounds["partitions"] for size in sizes],
        "one gateway: its connections": [size.connections / bounds["connections"] for size in sizes],
    }
    per_account = {name: values[-1] / sizes[-1].accounts for name, values in used.items()}
    rows = {
        name: [*map(_round, used[name]), _round(1 / per_account[name]) if per_account[name] else ""] for name in used
    }
    lines = [f"| used share of | {' | '.join(_round(size.accounts) for size in sizes)} | 1 at accounts |"]
    lines.append("|---" * (len(sizes) + 2) + "|")
    return [*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())]


def cost(sizes: Sequence[Size]) -> list[str]:
    names = ("services", "MongoDB", "Kafka", "OpenSearch", "contents in S3", "S3 requests", "downloads to the internet")
    parts = [_costs(size) for size in sizes]
    rows = {
        name: [f"{part[name] / size.accounts * 1000:,.2f}" for part, size in zip(parts, sizes, strict=True)]
        for name in names
    }
    rows["all"] = [f"{sum(part.values()) / size.accounts * 1000:,.2f}" for part, size in zip(parts, sizes, strict=True)]
    return _table("USD for 1,000 accounts and month", sizes, rows)


def _costs(size: Size) -> dict[str, float]:
    price, account = size.inputs["prices"], size.inputs["account"]
    gateways = max(2, math.ceil(size.connections / size.inputs["limits"]["connections"]))
    usable = size.inputs["limits"]["busy"]
    shard_cpus = max(2.0, size.cpus("mongod") / usable / size.shards_by_owner)
    monthly = size.accounts * account["active"] * DAY * HOURS / 24 / DAY
    changes, downloads = monthly * account["changes"], monthly * account["downloads"]
    events = size.inputs["events"]
    kafka_bytes = size.events / account["peak"] * DAY * events["days"] * events["bytes"] * events["replicas"]
    return {
        "services": (size.instances(size.cpus("services")) + gateways) * price["cpu_hour"] * HOURS,
        "MongoDB": REPLICAS
        * (
            size.shards_by_owner * shard_cpus * price["memory_cpu_hour"] * HOURS
            + size.metadata_bytes / 1e9 * price["disk_gb"]
        ),
        "Kafka": _brokers(size) * 2 * price["cpu_hour"] * HOURS + kafka_bytes / 1e9 * price["disk_gb"],
        "OpenSearch": _search_nodes(size) * 2 * price["memory_cpu_hour"] * HOURS
        + 2 * size.nodes * size.inputs["bytes"]["search_entry"] / 1e9 * price["disk_gb"],
        "contents in S3": size.content_bytes / 1e9 * price["object_gb"],
        "S3 requests": changes / 1000 * price["put_1000"] + downloads / 1000 * price["get_1000"],
        "downloads to the internet": downloads * account["bytes_of_a_version"] / 1e9 * price["out_gb"],
    }


def _brokers(size: Size) -> int:
    bounds = size.inputs["limits"]
    return max(3, math.ceil(REPLICAS * size.cpus("kafka") / bounds["busy"] / bounds["kafka_node_cpus"]))


def _search_nodes(size: Size) -> int:
    stored = 2 * size.nodes * size.inputs["bytes"]["search_entry"]
    return max(2, math.ceil(stored / size.inputs["limits"]["search_node_bytes"]))


def _table(title: str, sizes: Sequence[Size], rows: dict[str, list[str]]) -> list[str]:
    lines = [f"| {title} | {' | '.join(_round(size.accounts) for size in sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    return [*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())]


def _shards(number: int | None) -> str:
    return "not enough, however many" if number is None else _round(number)


def _round(value: float) -> str:
    """Two significant digits: the inputs have no more."""
    if value < 10:
        return f"{value:.2g}"
    digits = len(str(int(value))) - 2
    return f"{round(value, -digits):,.0f}"


def _bytes(value: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{_round(value)} {unit}"
        value /= 1000
    return f"{_round(value)} PB"


def tables(inputs: dict[str, Any]) -> str:
    sizes = [Size(accounts, inputs) for accounts in inputs["accounts"]]
    return "\n\n".join("\n".join(part(sizes)) for part in (load, needs, limits, cost))


def document() -> str:
    """docs/scale.md with the tables of the committed inputs."""
    before, _, rest = TARGET.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{tables(tomllib.loads(INPUTS.read_text('utf-8')))}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    if given := sys.argv[1:]:
        print(tables(tomllib.loads(Path(given[0]).read_text("utf-8"))))
    else:
        TARGET.write_text(document(), encoding="utf-8")
