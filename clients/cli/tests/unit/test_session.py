"""State that a command leaves behind."""

from docstore_cli.sessions.session import run


class Large:
    """A result that takes long to be serialised, and counts how often it was."""

    written = 0

    def __repr__(self) -> str:
        Large.written += 1
        return "Large()"


def test_a_result_is_handed_on_without_being_written_out() -> None:
    """Not even in messages that nobody sees: asyncio makes some when it gives its signal handler back."""
    result = Large()

    async def work() -> Large:
        return result

    assert run(work()) is result
    assert Large.written == 0
