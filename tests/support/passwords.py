"""Passwords that cost nothing: tests register thousands of users."""

from __future__ import annotations

from argon2 import PasswordHasher

from app.auth import passwords


def cheapen() -> None:
    """From here on, in this process: argon2id still, with the least memory and time."""
    passwords.PasswordHasher = _cheap  # type: ignore[assignment, misc]  # a stand-in


def _cheap(**_costs: int) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
