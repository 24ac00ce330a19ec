"""Settings: words replace, lists add up, and what is wrong is told with its source."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import PurePosixPath
from typing import Any

import pytest

from pytest_replay.errors import SettingsError
from pytest_replay.settings import CHOICES, LISTS, NAMES, Mode, Settings


def test_the_defaults_refuse_the_network_and_compare_what_was_asked() -> None:
    settings = Settings()

    assert settings.mode is Mode.NONE
    assert settings.match_on == ("method", "url", "body")
    assert settings.unplayed == "fail"
    assert settings.network == ()


def test_words_replace() -> None:
    settings = Settings(mode=Mode.ONCE, dir="a", unplayed="warn")

    updated = settings.updated({"mode": "all", "dir": PurePosixPath("b/c")}, source="test")

    assert updated == Settings(mode=Mode.ALL, dir="b/c", unplayed="warn")
    assert updated.mode is Mode.ALL


@pytest.mark.parametrize("name", sorted(LISTS))
def test_lists_add_up_in_order_and_say_nothing_twice(name: str) -> None:
    first = getattr(Settings(), name)

    settings = Settings()
    for said in (["a", "b"], "c", ("b", "d")):
        settings = settings.updated({name: said}, source="test")

    assert getattr(settings, name) == (*first, "a", "b", "c", "d")


def test_a_matcher_may_be_an_object_alone_or_in_a_list() -> None:
    matcher, other = object(), object()

    settings = Settings().updated({"match_on": matcher}, source="test")
    settings = settings.updated({"match_on": [other, matcher, "headers"]}, source="test")

    assert settings.match_on == ("method", "url", "body", matcher, other, "headers")


@pytest.mark.parametrize("value", [128, "128"])
def test_a_number_may_be_said_in_words(value: object) -> None:
    assert Settings().updated({"file_limit": value}, source="test").file_limit == 128


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "", "64 MiB", "0", "9" * 5000, None, ["64"]])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match=r"test: file_limit is a whole number from 1, not "):
        Settings().updated({"file_limit": value}, source="test")


def test_nothing_said_changes_nothing() -> None:
    assert Settings().updated({}, source="test") == Settings()


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().mode = Mode.ALL  # type: ignore[misc]


def test_every_setting_has_a_name_and_each_choice_its_default() -> None:
    assert {field.name for field in fields(Settings)} == NAMES
    for name, choices in CHOICES.items():
        assert getattr(Settings(), name) in choices


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": (
        {"matchon": []},
        f"there: unknown setting 'matchon'. Known: {', '.join(sorted(NAMES))}",
    ),
    "no choice": ({"unplayed": "error"}, "there: unplayed='error' is not one of fail, warn, ignore"),
    "no mode": ({"mode": "new"}, "there: mode='new' is not one of none, once, new_episodes, all"),
    "no word": ({"storage": 3}, "there: storage is a string, not 3"),
    "no folder": ({"dir": None}, "there: dir is a string, not None"),
    "no list": ({"ignore": {"a": 1}}, "there: ignore is a list, not {'a': 1}"),
    "no text in a list": ({"network": ["a", 8080]}, "there: network is a list of strings, and 8080 is none"),
}


@pytest.mark.parametrize(("values", "text"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_source(values: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().updated(values, source="there")

    assert str(caught.value) == text
