"""What the screenshots show: an invented harbour town on the day of its kite festival."""

from __future__ import annotations

import io
import math
import sqlite3
import struct
import uuid
import wave
from datetime import datetime, timedelta, timezone
from typing import Any

import requests
from PIL import Image, ImageDraw

from tests.support.client import PATIENCE, Person
from tests.support.server import Server
from tests.web.people import befriend, chat

ZONE = timezone(timedelta(hours=2))
NOON = datetime(2026, 5, 16, 12, 4, tzinfo=ZONE)  # when the pictures are taken: a Saturday
MINUTE = 60_000  # ms
COLOURS = {
    "Anya": "#1f8a7d", "Mira": "#c2557a", "Jonas": "#33699e", "Ada": "#7a56b3",
    "Tomás": "#b0692a", "小雨": "#4d8a3d", "Grandma Rosa": "#a8506b", "Harbour Books": "#4b5a6b",
}


def millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class Town:
    """The people, as they have talked this morning. `anya` is who looks at the screen."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.people = {name: Person(server, name) for name in COLOURS}
        self.anya = self.people["Anya"]
        self.clock = NOON - timedelta(minutes=123)
        self.times: list[tuple[int, int, int]] = []  # conversation, seq, ms
        for name, colour in COLOURS.items():
            self._face(self.people[name], colour)
        for name in ("Mira", "Jonas", "Ada", "小雨", "Grandma Rosa"):
            befriend(self.people[name], self.anya)
        self.people["Tomás"].post(
            "/v2/contacts", user=self.anya.id, note="Tomás, from the kite festival. I have the tea."
        )
        self.books = chat(self.people["Harbour Books"], self.anya)
        self.rosa = chat(self.people["Grandma Rosa"], self.anya)
        self.private = chat(self.people["小雨"], self.anya)
        self.group = self._group()
        self._morning()
        self._put_back_the_clock()

    def _face(self, person: Person, colour: str) -> None:
        avatar = person.upload(emblem(colour), "face.png")["id"]
        person.request("PATCH", "/v2/users/me", json={"avatar": f"/v2/media/{avatar}"})

    def _group(self) -> int:
        members = [self.people[name].id for name in ("Anya", "Jonas", "Ada", "Tomás", "小雨")]
        answer = self.people["Mira"].post(
            "/v2/groups", name="Kite festival 🪁", members=members, join="approval",
            description="One sky, six kites, far too much string.",
            announcement="Old lighthouse at two. Gloves, please: the dragon pulls.",
        )
        group = int(answer.json()["id"])
        picture = self.people["Mira"].upload(kite("#1f8a7d", (320, 320), tail=4), "kites.png")["id"]
        fields = {"avatar": f"/v2/media/{picture}"}
        self.people["Mira"].request("PATCH", f"/v2/groups/{group}", json=fields)
        path = f"/v2/groups/{group}/members/{self.anya.id}"
        self.people["Mira"].request("PATCH", path, json={"role": "admin"})
        return group

    def _morning(self) -> None:
        self._say("Harbour Books", self.books, "Your atlas of winds has arrived 📚", 1)
        for name, words in (
            ("Jonas", "Do you still have my long ladder?"), ("Mira", "I painted the numbers on."),
            ("Ada", "My kite is called Gerald now."),
        ):
            place = chat(self.people[name], self.anya)
            seq = self._say(name, place, words, 1)
            self.anya.post(f"/v2/conversations/{place}/read", seq=seq)
        self._say("Grandma Rosa", self.rosa, "Did you eat?", 5)
        self._say("Anya", self.rosa, "Twice!", 1)
        self._say("Grandma Rosa", self.rosa, "Then a third time. I made plum cake.", 9)
        self._say("小雨", self.private, "今天的风正好，放风筝去吗？", 12)
        self._say("Anya", self.private, "去！我带茶，你带那只凤凰。", 1)
        phoenix = kite("#c0392b", (960, 600))
        picture = self._show("小雨", self.private, phoenix, "它昨晚还在晾颜料", 3)
        self._react("Anya", self.private, picture, "😍")
        self._say("Anya", self.private, "尾巴再长一点吧，不然会打转", 2, reply_to=picture)
        self._say("小雨", self.private, "已经加了两米 😄", 1)
        self._say("Anya", self.private, "下午两点，老灯塔见", 1)
        self._say("Mira", self.group, "Good morning! Wind from the west, 18 km/h. A kite day.", 60)
        self._say("Jonas", self.group, "The dragon is finished. Forty-two metres of tail.", 6)
        dragon = self._show("Jonas", self.group, kite("#1f8a7d", (960, 600)), "", 1)
        for name, emoji in (("Anya", "🐉"), ("Mira", "🐉"), ("Tomás", "🐉"), ("Ada", "😂")):
            self._react(name, self.group, dragon, emoji)
        self._say("Ada", self.group, "It looks at me as if I owed it money", 3, reply_to=dragon)
        self._say("Anya", self.group, "Who brings the thermos?", 4)
        self._say("Tomás", self.group, "Me. Ginger tea, and the good biscuits.", 1)
        self._hum("Ada", self.group, 2)
        plan = "The plan:\n```\n13:30  untangle\n14:00  fly\n15:00  untangle again\n```"
        self._react("小雨", self.group, self._say("Mira", self.group, plan, 5), "👍")
        self._say("Anya", self.group, "Perfect. @Ada take the small red one, it likes you.", 2,
                  mentions=[self.people["Ada"].id])
        self.anya.request("PATCH", f"/v2/conversations/{self.group}", json={"pinned": True})
        self.anya.post(f"/v2/conversations/{self.private}/read", seq=8)

    def _say(self, name: str, place: int, content: str, wait: int, **more: Any) -> int:
        return self._send(name, place, wait, {"media": "text", "content": content, **more})

    def _show(self, name: str, place: int, data: bytes, content: str, wait: int) -> int:
        medium = self.people[name].upload(data, "kite.png")["id"]
        message = {"media": "image", "content": content, "attachment": {"id": medium}}
        return self._send(name, place, wait, message)

    def _hum(self, name: str, place: int, wait: int) -> int:
        """A voice message, measured as a browser would."""
        loudness = bytes(int(90 + 80 * math.sin(i / 4) * math.sin(i / 11)) for i in range(64))
        answer = requests.post(
            f"{self.server.http}/v2/media", headers=self.people[name].headers, timeout=PATIENCE,
            files={"file": ("voice.wav", tone())}, data={"waveform": loudness.hex()},
        )
        message = {"media": "audio", "content": "", "attachment": {"id": answer.json()["id"]}}
        return self._send(name, place, wait, message)

    def _send(self, name: str, place: int, wait: int, message: dict[str, Any]) -> int:
        answer = self.people[name].post(
            f"/v2/conversations/{place}/messages", ref=uuid.uuid4().hex, message=message
        )
        assert answer.status_code == 201, answer.text
        self.clock += timedelta(minutes=wait)
        self.times.append((place, answer.json()["seq"], millis(self.clock)))
        return int(answer.json()["seq"])

    def _react(self, name: str, place: int, seq: int, emoji: str) -> None:
        answer = self.people[name].post(
            f"/v2/conversations/{place}/reactions",
            ref=uuid.uuid4().hex, seq=seq, emoji=emoji, on=True,
        )
        assert answer.status_code == 201, answer.text

    def _put_back_the_clock(self) -> None:
        """All of this was said within a second: let it be that morning in the database."""
        self.server.terminate()
        with sqlite3.connect(self.server.folder / "hichat.db") as database:
            first = millis(NOON - timedelta(minutes=200))
            database.execute("UPDATE event SET at = ?", (first,))
            database.execute("UPDATE conversation SET last_at = ?", (first,))
            for place, seq, at in self.times:
                change = "UPDATE event SET at = ? WHERE conversation_id = ? AND seq = ?"
                database.execute(change, (at, place, seq))
                database.execute("UPDATE conversation SET last_at = ? WHERE id = ?", (at, place))
        self.server.start()


def kite(colour: str, size: tuple[int, int], tail: int = 9) -> bytes:
    """A kite over the sea, drawn."""
    width, height = size
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for y in range(height):
        part = y / height
        sky = (int(150 + 90 * part), int(200 + 25 * part), int(232 - 20 * part))
        draw.line([(0, y), (width, y)], fill=sky)
    draw.ellipse([width * 0.72, height * 0.1, width * 0.86, height * 0.1 + width * 0.14], "#ffe9a8")
    draw.rectangle([0, height * 0.74, width, height], fill="#5fa3b3")
    dune = [(x, height * (0.86 - 0.05 * math.sin(x / width * 5))) for x in range(0, width + 8, 8)]
    draw.polygon([*dune, (width, height), (0, height)], fill="#e6cf9f")
    x, y, r = width * 0.42, height * 0.36, min(size) * 0.25
    points = [(x, y - r), (x + r * 0.72, y - r * 0.1), (x, y + r), (x - r * 0.72, y - r * 0.1)]
    draw.polygon(points, fill=colour)
    draw.polygon([points[0], points[1], (x, y - r * 0.1)], fill=lighter(colour, 0.35))
    draw.polygon([points[3], (x, y - r * 0.1), points[2]], fill=lighter(colour, 0.18))
    at = (x, y + r)
    for number in range(1, tail + 1):
        bend = math.sin(number * 0.9) * r * 0.22
        to = (x + number * r * 0.26 + bend, y + r + number * r * 0.13 - bend * 0.4)
        draw.line([at, to], fill="#33424a", width=max(2, int(r / 40)))
        bow = r * 0.1
        draw.polygon([(to[0] - bow, to[1] - bow), to, (to[0] - bow, to[1] + bow)], fill=colour)
        draw.polygon([(to[0] + bow, to[1] - bow), to, (to[0] + bow, to[1] + bow)], fill="#f2b544")
        at = to
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def emblem(colour: str) -> bytes:
    """A face for somebody: a kite on its colour."""
    image = Image.new("RGB", (640, 640), lighter(colour, 0.72))
    draw = ImageDraw.Draw(image)
    lean = (sum(colour.encode()) % 5 - 2) * 22
    top, foot = (320 + lean, 90), (320 - lean, 560)
    right, left = (500, 270 + lean), (140, 270 - lean)
    draw.polygon([top, right, foot, left], fill=colour)
    draw.polygon([top, right, (320, 280)], fill=lighter(colour, 0.4))
    draw.polygon([left, (320, 280), foot], fill=lighter(colour, 0.2))
    stream = io.BytesIO()
    image.resize((320, 320), Image.Resampling.LANCZOS).save(stream, "PNG")
    return stream.getvalue()


def lighter(colour: str, by: float) -> tuple[int, ...]:
    parts = bytes.fromhex(colour.removeprefix("#"))
    return tuple(int(part + (255 - part) * by) for part in parts)


def tone(seconds: float = 7) -> bytes:
    """Somebody hums."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        samples = (int(6000 * math.sin(i * 0.2)) for i in range(int(8000 * seconds)))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return stream.getvalue()
