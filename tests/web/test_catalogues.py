"""The words of the interface: each language has all of them, and the code uses no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.server import ROOT

STATIC = ROOT / "app/web/static"
LANGUAGES = ("en", "zh")
PLURALS = (".one", ".other")
_key = re.compile(r"""["']([a-z]+(?:\.[a-z0-9_]+)+)["']""")
_built = re.compile(r"\bt\(`([a-z]+(?:\.[a-z0-9_]+)*[._])\$\{")
_parameter = re.compile(r"\{(\w+)\}")


@cache
def catalogue(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((STATIC / f"locales/{language}.json").read_text())
    return found


def plain(key: str) -> str:
    """The key that the code says, without the plural that is chosen by the count."""
    return re.sub(r"\.(one|other)$", "", key)


def keys() -> set[str]:
    return {plain(key) for key in catalogue("en")}


def sources() -> Iterator[str]:
    for path in sorted(STATIC.rglob("*.js")):
        yield re.sub(r"^(import |\s*//|\s*\*).*$", "", path.read_text(), flags=re.M)


def used() -> set[str]:
    """Every text of the code that looks like a key of one of the catalogue's sections."""
    sections = {key.split(".")[0] for key in keys()}
    found = {key for text in sources() for key in _key.findall(text)}
    files = (".js", ".json", ".svg")
    return {key for key in found if key.split(".")[0] in sections and not key.endswith(files)}


def beginnings() -> set[str]:
    """Of keys that the code builds: `settings.` of `settings.${name}`."""
    return {start for text in sources() for start in _built.findall(text)}


def test_both_languages_have_the_same_keys() -> None:
    assert {plain(key) for key in catalogue("zh")} == keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_missing_its_plural(language: str) -> None:
    found = catalogue(language)
    assert [key for key, text in found.items() if not text.strip()] == []
    counted = {plain(key) for key in found if key.endswith(PLURALS)}
    assert [key for key in counted if f"{key}.other" not in found] == []


def test_translations_name_the_same_parameters() -> None:
    for key, text in catalogue("zh").items():
        other = catalogue("en")[key]
        assert set(_parameter.findall(text)) == set(_parameter.findall(other)), key


def test_every_key_that_the_code_uses_exists() -> None:
    assert used() - keys() == set()


def test_every_beginning_of_a_built_key_leads_to_some() -> None:
    wrong = [start for start in beginnings() if not any(key.startswith(start) for key in keys())]
    assert wrong == []


def test_no_key_is_left_over() -> None:
    """Those of errors are chosen by the code that the server sends."""
    left = {
        key for key in keys() - used()
        if not key.startswith("error.") and not any(key.startswith(start) for start in beginnings())
    }
    assert left == set()
