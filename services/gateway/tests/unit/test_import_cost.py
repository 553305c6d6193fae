"""What the gateway does not load until someone asks for it."""

import subprocess
import sys

PROGRAM = "import sys, docstore_gateway.app; print('mcp' in sys.modules, 'mcp_types' in sys.modules)"


def test_the_protocol_of_assistants_is_loaded_with_their_first_request_only() -> None:
    """A gateway without assistants pays neither its seconds nor its memory."""
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "False"]
