"""Writes docs/reference/python.md from the sources of the Python client: `python tools/generate_python_page.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tables import cell, table

from docstore_client.network.retrying import TRIES

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs/reference/python.md"
FOLDER = ROOT / "clients/python/src/docstore_client"
CLIENT = FOLDER / "sync_client.py"
SUBJECTS = {
    "The client": "",
    "Files and folders": "operations/files.py",
    "Contents, changes and ZIPs": "async_client.py",
    "Shares and links": "operations/sharing.py",
    "Search": "operations/search.py",
    "Subscriptions and notifications": "operations/notifications.py",
    "Account": "operations/account.py",
}
"""Parts of the page, and the module whose methods each has; the first has those that only `Client` defines itself."""
HEAD = """# Python client

Every method of `Client` of [docstore-client](../../clients/python), which shows how to begin. `AsyncClient` has the
same methods as coroutines, and its iterators are asynchronous.

## Lists

A method that takes a `cursor` returns a page: `items`, and `next_cursor` unless it is the last. `iterate` requests page
after page, only as far as the loop goes; it takes the method and the method's own arguments:

```python
for link in docstore.iterate(docstore.links, file.id):
    print(link.id, link.downloads)
for hit in docstore.iterate(docstore.search, "report", limit=100):
    print(hit.file.path)
for photo in docstore.iterate_call("/v1/photos", params={"limit": 500}):
    print(photo["name"])
```

`changes` has a cursor of another kind, which continues after the last change that exists.
"""


def text() -> str:
    """Lists, methods by subject, options, errors."""
    methods = {node.name: node for node in _class(CLIENT).body if isinstance(node, ast.FunctionDef)}
    shown = {name: node for name, node in methods.items() if not name.startswith("_") and name != "credentials"}
    parts = {title: _names(module) & shown.keys() for title, module in SUBJECTS.items() if module}
    first = shown.keys() - set().union(*parts.values()) | {"call", "iterate", "iterate_call", "close"}
    lines = [HEAD]
    for title in SUBJECTS:
        lines.append(f"## {title}\n")
        names = parts[title] - first if title in parts else first
        lines += [_method(node) for name, node in shown.items() if name in names]
    lines += ["## Options\n", "`Client(url, options=Options(...))`\n", table(("option", "default", ""), _options())]
    lines += ["## Errors\n", table(("class", ""), _errors())]
    return "\n".join(lines)


def _class(path: Path, name: str = "") -> ast.ClassDef:
    body = ast.parse(path.read_text("utf-8")).body
    return next(node for node in body if isinstance(node, ast.ClassDef) and node.name.startswith(name))


def _names(module: str) -> set[str]:
    body = _class(FOLDER / module).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _method(node: ast.FunctionDef) -> str:
    """Heading, signature and description."""
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix(", ").replace("=", " = ")
    arguments = arguments.replace("lambda _: _ignore", "...").replace("_ignore", "...")
    signature = f"{node.name}({arguments}) -> {ast.unparse(node.returns) if node.returns else 'None'}"
    described = ast.get_docstring(node) or ""
    return f"### {node.name}\n\n```python\n{signature}\n```\n" + (f"\n{described}\n" if described else "")


def _options() -> Iterator[tuple[str, str, str]]:
    body = _class(FOLDER / "network/options.py", "Options").body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            described = ast.literal_eval(after.value) if isinstance(after, ast.Expr) else ""
            default = ast.unparse(node.value).replace("TRIES", str(TRIES))
            yield f"`{ast.unparse(node.target)}`", f"`{default}`", cell(described)


def _errors() -> Iterator[tuple[str, str]]:
    for node in ast.parse((FOLDER / "errors.py").read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield f"`{node.name}`", cell(ast.get_docstring(node) or "")


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
