"""The pictures in the documents are those that the command makes, and small."""

from __future__ import annotations

import re

from PIL import Image

from tests.support.server import ROOT
from tests.web.screens import LARGEST, SHOTS

FOLDER = ROOT / "docs/screens"


def test_there_is_one_small_picture_of_each_screen_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{shot.name}.webp" for shot in SHOTS}
    for path in FOLDER.iterdir():
        assert path.stat().st_size <= LARGEST, path.name
        with Image.open(path) as image:
            assert image.format == "WEBP"


def test_the_readme_shows_pictures_that_are_there() -> None:
    named = re.findall(r"!\[[^]]+\]\((docs/screens/[^)]+)\)", (ROOT / "README.md").read_text())
    assert len(named) >= 2
    assert [path for path in named if not (ROOT / path).is_file()] == []
