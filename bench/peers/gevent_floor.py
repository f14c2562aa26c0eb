"""The floor: what a gevent StreamServer and the least possible frame reader cost. No product.

One greenlet per connection reads, and writes into the receivers' sockets itself; all frames of
one read that go to the same receiver leave in one send. No limits, no pings, no queue.

python gevent_floor.py PORT
"""

import base64
import hashlib
import socket
import struct
import sys

import msgspec
from gevent.server import StreamServer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
connections = {}


class Message(msgspec.Struct):
    to: int
    ref: str
    content: str


decode = msgspec.json.Decoder(Message).decode
encode = msgspec.json.Encoder().encode


def serve(sock, address):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        user, rest = shake_hands(sock)
    except ConnectionError:
        return
    connections[user] = sock
    sock.sendall(frame(encode({"hello": user})))
    try:
        while data := sock.recv(65536):
            rest = relay(user, rest + data)
            if rest is None:
                return
    except OSError:
        pass
    finally:
        if connections.get(user) is sock:
            del connections[user]


def shake_hands(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = sock.recv(4096)
        if not chunk:
            raise ConnectionError("gone before the handshake")
        head += chunk
    head, _, rest = head.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
    key = next(line for line in lines if line.lower().startswith(b"sec-websocket-key"))
    digest = hashlib.sha1(key.split(b": ", 1)[1] + GUID).digest()
    assert fields[b"upgrade"] == b"websocket"
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    return int(lines[0].split(b" ")[1].partition(b"user=")[2]), rest


def frame(payload):
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else struct.pack("!BBH", 0x81, 126, size)
    return head + payload


def relay(user, data):
    """Forward the whole frames in `data`; what is left of the last, or None after a close."""
    out = {}
    at, end = 0, len(data)
    while end - at >= 8:
        size, start = data[at + 1] & 127, at + 2
        if size == 126:
            size, start = data[at + 2] << 8 | data[at + 3], at + 4
        stop = start + 4 + size
        if stop > end:
            break
        if data[at] == 0x88:
            return None
        key = int.from_bytes((data[start : start + 4] * (size // 4 + 1))[:size], "little")
        body = int.from_bytes(data[start + 4 : stop], "little") ^ key
        message = decode(body.to_bytes(size, "little"))
        text = frame(encode({"from": user, "ref": message.ref, "content": message.content}))
        for target in [message.to] if message.to else [n for n in connections if n != user]:
            out[target] = out.get(target, b"") + text
        at = stop
    for target, frames in out.items():
        if target in connections:
            connections[target].sendall(frames)
    return data[at:]


StreamServer(("127.0.0.1", int(sys.argv[1])), serve, backlog=1024).serve_forever()
