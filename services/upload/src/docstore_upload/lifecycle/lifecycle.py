"""The use cases and workers of one kind of transfer, wired together."""

from typing import Generic

from docstore_events.transaction import Transactor
from docstore_platform.clock import Clock
from docstore_upload.lifecycle.clients import ServiceClients
from docstore_upload.lifecycle.ports import Kind, T, Transfers
from docstore_upload.lifecycle.use_cases.complete import Completer
from docstore_upload.lifecycle.use_cases.final_check import FinalCheck, Republish
from docstore_upload.lifecycle.use_cases.finish import Finisher
from docstore_upload.lifecycle.use_cases.initiate import Initiation
from docstore_upload.lifecycle.use_cases.terminate import Termination
from docstore_upload.lifecycle.worker import TransferWorker
from docstore_upload.settings import UploadSettings


class Lifecycle(Generic[T]):
    """Begins, completes and ends transfers of one kind, for clients and for the worker."""

    def __init__(
        self,
        kind: Kind[T],
        transfers: Transfers[T],
        transactor: Transactor,
        services: ServiceClients,
        republish: Republish,
        settings: UploadSettings,
        clock: Clock,
    ) -> None:
        self.initiation = Initiation(kind, transfers, transactor, services, settings)
        self.termination = Termination(kind, transfers, transactor, clock)
        self.finisher = Finisher(kind, transfers, transactor, settings, clock)
        self.completer = Completer(
            kind, transfers, transactor, services, self.termination, self.finisher, settings, clock
        )
        final_check = FinalCheck(kind, transfers, transactor, services, republish, settings, clock)
        self.worker = TransferWorker(
            kind, transfers, transactor, self.completer, self.termination, final_check, settings, clock
        )
