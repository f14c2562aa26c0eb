"""HiChat as it is, but with passwords that cost nothing: hundreds of users register in a test.

`gunicorn -c gunicorn.conf.py tests.model.app:app`
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

from app import create_app  # noqa: E402
from tests.support.passwords import cheapen  # noqa: E402

cheapen()
app = create_app()
