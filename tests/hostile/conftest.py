"""What every attack has in common: two others who chat on, and a worker that lives on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.bystanders import Bystanders
from tests.support.server import Server


@pytest.fixture(scope="module")
def bystanders(server: Server) -> Iterator[Bystanders]:
    made = Bystanders(server)
    yield made
    made.leave()


@pytest.fixture(autouse=True)
def untouched(bystanders: Bystanders) -> Iterator[None]:
    """Around each attack, over the same sockets: their chat and the worker are as before."""
    bystanders.chat_on()
    yield
    bystanders.chat_on()
