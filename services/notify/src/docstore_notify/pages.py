"""The two pages of unsubscribing."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


class Pages:
    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("docstore_notify"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def ask(self, what: str) -> str:
        return self._templates.get_template("unsubscribe.html").render(what=what, ended=False)

    def ended(self, what: str) -> str:
        return self._templates.get_template("unsubscribe.html").render(what=what, ended=True)
