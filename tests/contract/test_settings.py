"""Settings of all services follow one vocabulary, and names of the previous release still work."""

import re
from importlib import import_module

import pytest
from structlog.testing import capture_logs

from docstore_platform import settings as platform_settings
from docstore_platform.old_setting_names import OLD_NAMES
from docstore_platform.services import SERVICE_NAMES
from docstore_platform.settings import InfraSettings, Settings

MEANING = r"(interval|delay|lease|timeout|lifetime|grace|window|wait|after|cpu|video)"
TIME = re.compile(rf"(^|.*_){MEANING}_(seconds|ms|hours|days)|[a-z_]+_days")
LOOSE = re.compile(r".*_(secs?|life|period|poll|sweep|ttl|memory|a_day|an_hour)")
"""A time or a size without its unit, or another word for one."""


def settings_classes() -> list[type[Settings]]:
    classes: list[type[Settings]] = [InfraSettings]
    for name in SERVICE_NAMES:
        module = import_module(f"docstore_{name}.settings")
        classes.append(getattr(module, f"{name.title()}Settings"))
    return classes


CLASSES = settings_classes()
RENAMED = [(cls, old, new) for cls in CLASSES for old, new in OLD_NAMES.get(cls.model_config["env_prefix"], {}).items()]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_duration_has_a_unit_and_a_description(cls: type[Settings]) -> None:
    """An interval, a delay, a lease and so on, in seconds, milliseconds, hours or days."""
    times = [name for name in cls.model_fields if re.search(r"(^|_)(seconds|ms|hours|days)$", name)]
    assert [name for name in times if not TIME.fullmatch(name)] == []
    assert [name for name in cls.model_fields if LOOSE.fullmatch(name)] == []


@pytest.mark.parametrize(("cls", "old", "new"), RENAMED, ids=lambda value: getattr(value, "__name__", value))
def test_an_old_name_works_with_one_warning(
    cls: type[Settings], old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the release before sets the value, unless that of today does."""
    prefix = cls.model_config["env_prefix"]
    old_variable, new_variable = f"{prefix}{old}".upper(), f"{prefix}{new}".upper()
    number, default = cls.model_fields[new].annotation or float, cls.model_fields[new].default
    first, second = number(default * 0.9), number(default * 0.5)
    monkeypatch.setattr(platform_settings, "_warned", set())
    monkeypatch.setenv(old_variable, str(first))
    with capture_logs() as logs:
        assert [getattr(cls(), new) for _ in range(2)] == [first] * 2
    warning = {"event": "setting_renamed", "log_level": "warning", "old_name": old_variable, "new_name": new_variable}
    assert logs == [warning]
    monkeypatch.setenv(new_variable, str(second))
    assert getattr(cls(), new) == second


def test_a_setting_that_does_not_exist_is_refused() -> None:
    """A test or a program that sets one by a wrong name learns of it."""
    with pytest.raises(ValueError, match="poll_secs"):
        InfraSettings.model_validate({"poll_secs": 1})
