"""A network of our own, a namespace of the kernel's, that can be pulled and put back.

What a proxy cannot do: packets are lost, on all connections at the same time, and nobody is told.
When the network is back, TCP says again what was lost, some of it seconds later.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from pathlib import Path

CLONE_NEWNET = 0x40000000  # sched.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # sockios.h, if.h
REQUEST = "16sh14x"  # struct ifreq with its flags
LOOPBACK = b"lo"
OWN = Path("/proc/self/ns/net")
_machines = OWN.stat().st_ino


def move_out() -> None:
    """From here on this process, and whatever it starts, have a loopback of their own.

    Before the first thread. Raises OSError: it takes root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "a network namespace of our own takes root")
    put_back()


def pull() -> None:
    assert OWN.stat().st_ino != _machines, "this is the whole machine's network: move out first"
    _set(up=False)


def put_back() -> None:
    _set(up=True)


def _set(up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        found = fcntl.ioctl(asking, SIOCGIFFLAGS, struct.pack(REQUEST, LOOPBACK, 0))
        _, flags = struct.unpack(REQUEST, found)
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(asking, SIOCSIFFLAGS, struct.pack(REQUEST, LOOPBACK, flags))
