"""Commands as text, so that each part can be spoilt."""

from __future__ import annotations

NESTED = "[" * 50_000 + "]" * 50_000


def send_text(to: str, content: str = '"x"', ref: str = '"r"', more: str = "") -> str:
    """A `send` of `/v2`. Every argument is JSON."""
    message = f'{{"media":"text","content":{content}}}'
    return f'{{"op":"send","ref":{ref},{more}"to":{{"user":{to}}},"message":{message}}}'


def seed_text(
    target: str, content: str = '"x"', kind: str = "1", media: str = "1", user: str = "1"
) -> str:
    """A message of `/v1`. Every argument is JSON."""
    return (
        f'{{"TargetId":{target},"Type":{kind},"CreateTime":1,"userId":{user},"Media":{media},'
        f'"Content":{content}}}'
    )
