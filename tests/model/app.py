"""HiChat as it is, but with passwords that cost nothing: hundreds of users register in a test.

`gunicorn -c gunicorn.conf.py tests.model.app:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

from argon2 import PasswordHasher  # noqa: E402

from app import create_app  # noqa: E402
from app.auth import passwords  # noqa: E402


def cheap(**_costs: int) -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


passwords.PasswordHasher = cheap  # type: ignore[assignment, misc]
app = create_app()
