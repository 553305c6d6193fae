"""Result of carrying out a plan."""

from collections.abc import Callable
from dataclasses import dataclass, field

from docstore_sync.model import Action
from docstore_sync.steps import StepFailed


@dataclass(slots=True)
class Outcome:
    """Finished and failed steps. `on_done` is called for each finished step."""

    on_done: Callable[[Action], None] = lambda _: None
    done: int = 0
    failures: list[str] = field(default_factory=list)

    def finished(self, action: Action) -> None:
        self.done += 1
        self.on_done(action)

    def failed(self, action: Action, failure: StepFailed) -> None:
        self.failures.append(f"{action.do} {action.node.path('local') or action.node.path('remote')}: {failure}")
