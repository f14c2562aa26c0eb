"""The documents name every setting, with its meaning and its default, and no other."""

from __future__ import annotations

import re
from typing import Any

import config as configuration
from tests.support.server import ROOT

FIXED_SETTINGS = (
    "PORT", "WEB_CONCURRENCY", "HICHAT_DATABASE_URL", "HICHAT_REDIS_URL", "HICHAT_DATA_DIR",
    "HICHAT_SECRET_KEY", "HICHAT_RATE_LIMITS",
)
WORDS = {True: "on", False: "off"}


def written(default: Any) -> str:
    """A default as one would type it."""
    return WORDS[default] if isinstance(default, bool) else str(default)


def test_the_example_file_has_every_setting_with_its_meaning_and_default() -> None:
    text = (ROOT / ".env.example").read_text()
    for item in configuration.settings():
        name, meaning = item.metadata["name"], item.metadata["text"].replace("`", "")
        assert f"# {meaning}\n#{name}={written(item.default)}\n" in text, name


def test_the_operations_page_has_a_row_for_every_setting() -> None:
    lines = (ROOT / "docs/operations.md").read_text().splitlines()
    for item in configuration.settings():
        name, meaning = item.metadata["name"], item.metadata["text"]
        default = written(item.default) or "(empty)"
        assert f"| `{name}` | `{default}` | {meaning} |" in lines


def test_the_readme_names_the_settings_whose_names_are_fixed() -> None:
    text = (ROOT / "README.md").read_text()
    assert [name for name in FIXED_SETTINGS if f"| `{name}` |" not in text] == []


def test_the_documents_name_no_setting_that_does_not_exist() -> None:
    known = {item.metadata["name"] for item in configuration.settings()}
    for path in (ROOT / ".env.example", *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        named = set(re.findall(r"\bHICHAT_[A-Z0-9_]+\b", path.read_text()))
        assert named <= known, path.name
