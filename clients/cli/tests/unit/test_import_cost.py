"""What a command imports that only waits for another process."""

import subprocess
import sys

HEAVY = ("docstore_standalone.stack", "fastapi", "pymongo", "boto3", "cryptography", "opentelemetry")


def test_commands_of_a_stack_do_not_import_what_runs_it() -> None:
    """`docstore up --detach`, `down` and `status` start in half a second of CPU, and `up` first has others import."""
    code = f"import sys, docstore_cli.commands.stack; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
