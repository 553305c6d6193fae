"""Names that turn the direction of writing are shown as what they are."""

import pytest
from jinja2 import DictLoader
from markupsafe import Markup

from docstore_platform.domain.shown_text import TURNING, keeps_direction
from docstore_platform.plain_page import plain_pages


@pytest.mark.parametrize("control", sorted(TURNING))
def test_every_control_is_made_visible(control: str) -> None:
    """A picture's name does not end as a program's."""
    assert keeps_direction(f"invoice{control}gpj.exe") == "invoice\ufffdgpj.exe"


def test_other_text_is_as_it_was() -> None:
    """Right-to-left letters and joiners are text, numbers are numbers."""
    for value in ("\u05e9\u05dc\u05d5\u05dd.txt", "\u0915\u094d\u200d\u0937", "plain", 7, None):
        assert keeps_direction(value) == value


def test_pages_show_names_safely() -> None:
    """Whatever a template puts into a page, without losing what is escaped and what is not."""
    pages = plain_pages("docstore_platform", "plain_page")
    pages.loader = DictLoader({"page.html": "<p>{{ name }}</p>{{ made }}"})
    shown = pages.get_template("page.html").render(name="<b>\u202ecod", made=Markup("<i>\u202e</i>"))
    assert shown == "<p>&lt;b&gt;\ufffdcod</p><i>\ufffd</i>"
