"""Generates the synchronous Python client from the asyncio client: `python tools/generate_sync_client.py`."""

import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "clients/python/src/docstore_client"
SOURCE = FOLDER / "async_client.py"
TARGET = FOLDER / "sync_client.py"
LEFT_OUT = {"close", "call", "iterate"}
HEAD = '''"""Synchronous client: the methods of AsyncClient, one for one. Generated from them."""

from typing import cast
{imports}
from docstore_client.async_client import AsyncClient, _ignore
from docstore_client.waiting import Loop


class Client:
    """Client of one gateway and one account; close it, or use it as a context manager."""

    def __init__(
        self,
        gateway: str,
        credentials: Credentials | None = None,
        *,
        store: CredentialStore | None = None,
        options: Options = DEFAULT,
    ) -> None:
        self._loop = Loop()
        self._client = AsyncClient(gateway, credentials, store=store, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop.wait(self._client.close())
        self._loop.close()

    @property
    def credentials(self) -> Credentials | None:
        return self._client.credentials

    def call(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Any call of the API, for what has no method here."""
        return self._loop.wait(self._client.call(method, path, body, params=params))

    def iterate(self, listing: Callable[P, Page[T]], *args: P.args, **options: P.kwargs) -> Iterator[T]:
        """Iterate over all items of a list, page by page: `client.iterate(client.links, file.id)`."""
        page_of, filters = cast(Callable[..., Page[T]], listing), dict[str, Any](options)
        while True:
            page = page_of(*args, **filters)
            yield from page.items
            if page.next_cursor is None:
                return
            filters["cursor"] = page.next_cursor
'''
UNUSED = {"Model", "Connection", "Awaitable", "Uploads", "Downloads", "BulkDownloads", "TypeVar", "TracebackType"}
OPERATIONS = "docstore_client.operations"


def text() -> str:
    """The module, in the project's style."""
    own = ast.parse(SOURCE.read_text("utf-8"))
    bases = [node.module for node in own.body if isinstance(node, ast.ImportFrom) and _is_base(node.module)]
    folder = FOLDER / "operations"
    modules = [
        *(ast.parse((folder / f"{name.rpartition('.')[2]}.py").read_text("utf-8")) for name in bases if name),
        own,
    ]
    methods = [node for module in modules for node in _class(module).body if isinstance(node, ast.AsyncFunctionDef)]
    shown = [node for node in methods if not node.name.startswith("_") and node.name not in LEFT_OUT]
    imports = "\n".join(map(_imports, modules))
    source = HEAD.format(imports=imports) + "\n".join(map(_method, shown))
    command = [sys.executable, "-m", "ruff"]
    checked = _run(
        [*command, "check", "--select", "F401,I", "--fix", "--quiet", "--stdin-filename", str(TARGET), "-"], source
    )
    return _run([*command, "format", "--stdin-filename", str(TARGET), "-"], checked)


def _is_base(module: str | None) -> bool:
    return module is not None and module.startswith(OPERATIONS)


def _class(module: ast.Module) -> ast.ClassDef:
    return next(node for node in module.body if isinstance(node, ast.ClassDef))


def _run(command: list[str], source: str) -> str:
    return subprocess.run(command, input=source, stdout=subprocess.PIPE, text=True, check=True).stdout


def _imports(module: ast.Module) -> str:
    lines = []
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and not _is_base(node.module):
            names = [alias.name for alias in node.names if alias.name not in UNUSED]
            names = ["Iterator" if name == "AsyncIterator" else name for name in names]
            if names:
                lines.append(f"from {node.module} import {', '.join(sorted(names))}")
    return "\n".join(lines)


def _method(method: ast.AsyncFunctionDef) -> str:
    """The same method, waiting for what the other returns; an iterator stays one."""
    returned = ast.unparse(method.returns) if method.returns else "None"
    iterates = returned.startswith("AsyncIterator")
    passed = [argument.arg for argument in method.args.args[1:]]
    passed += [f"{argument.arg}={argument.arg}" for argument in method.args.kwonlyargs]
    passed += [f"**{method.args.kwarg.arg}"] if method.args.kwarg else []
    call = f"self._client.{method.name}({', '.join(passed)})"
    lines = [f"    def {method.name}({ast.unparse(method.args)}) -> {returned.removeprefix('Async')}:"]
    documentation = ast.get_docstring(method, clean=False)
    if documentation:
        lines.append(f'        """{documentation}"""')
    body = f"return self._loop.{'iterate' if iterates else 'wait'}({call})"
    return "\n".join([*lines, f"        {body if returned != 'None' else body.removeprefix('return ')}", ""])


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
