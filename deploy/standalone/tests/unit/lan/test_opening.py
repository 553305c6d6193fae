"""What is checked before other machines can reach a stack, and when."""

from pathlib import Path

import pytest

from docstore_standalone.credentials import CREDENTIALS_FILE
from docstore_standalone.lan.exposure import WeakSecrets
from docstore_standalone.settings import StandaloneSettings
from docstore_standalone.stack import start_stack
from docstore_standalone.state import AlreadyRunning, StackLock
from docstore_standalone.supervision.forker import Forker


async def test_a_second_start_creates_no_secrets(tmp_path: Path) -> None:
    """Of two that start at once on a new folder, only one creates them: each would run with its own."""
    with StackLock(tmp_path), pytest.raises(AlreadyRunning):
        await start_stack(StandaloneSettings(data=tmp_path, lan=True), forker=Forker(tmp_path, {}))
    assert not (tmp_path / CREDENTIALS_FILE).exists()


@pytest.mark.parametrize("moved", [False, True])
async def test_weak_secrets_keep_everything_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """Wherever the secrets of the data folder are."""
    monkeypatch.setenv("ANALYTICS_AUDIT_KEY", "short")
    data, started = tmp_path / "data", list[str]()
    settings = StandaloneSettings(data=data, lan=True, secrets_folder=tmp_path / "secrets" if moved else None)
    with pytest.raises(WeakSecrets, match="ANALYTICS_AUDIT_KEY"):
        await start_stack(settings, on_change=lambda name, _: started.append(name), forker=Forker(data, {}))
    assert started == []
