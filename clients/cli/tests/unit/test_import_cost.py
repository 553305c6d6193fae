"""What a command imports that only waits for another process."""

import subprocess
import sys

HEAVY = ("docstore_standalone.stack", "fastapi", "pymongo", "boto3", "cryptography", "opentelemetry")

OF_SERVICES = ("fastapi", "motor", "opentelemetry", "boto3", "docstore_events")


def imported(module: str, names: tuple[str, ...]) -> str:
    """Those of `names` that importing a module imports, too."""
    code = f"import sys, {module}; print([name for name in {names!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_commands_of_a_stack_do_not_import_what_runs_it() -> None:
    """`docstore up --detach`, `down` and `status` start in half a second of CPU, and `up` first has others import."""
    assert imported("docstore_cli.commands.stack.stack", HEAVY) == "[]"


def test_the_supervisor_imports_nothing_that_only_services_need() -> None:
    """It starts the servers while another process imports the services: what it imports itself delays them."""
    assert imported("docstore_cli.stack.foreground", OF_SERVICES) == "[]"
