"""Types of the responses to other services."""

from docstore_contracts.files import FileState as ContractedState
from docstore_events.catalogue.files import FileState


def test_the_contract_of_file_states_has_the_fields_of_events() -> None:
    """An index rebuild reads the same state as the handlers of events."""
    assert list(ContractedState.__annotations__) == list(FileState.model_fields)
