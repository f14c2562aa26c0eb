"""How long sounds and videos are: the container knows, else the browser that recorded them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.content.kinds import Kind, kind_of
from app.content.sounds import LONGEST, Measures, check_declared, check_waveform, measured
from app.errors import BadRequest
from tests.content.conftest import Put
from tests.support import files

SAID = Measures(duration=4_321, waveform="00407fff", width=640, height=360)
NOTHING = Measures()


def of(path: Path, said: Measures = NOTHING, declared: str = "") -> Measures:
    return measured(path, kind_of(path, declared), said)


@pytest.mark.parametrize(("data", "duration"), [
    (files.wav(1_500), 1_500), (files.ogg(1_500), 1_500), (files.m4a(1_500), 1_500),
    (files.webm(1_500), 1_500), (files.mp3(40), 1_042), (files.mp3(40, tag=bytes(5_000)), 1_042),
], ids=["wav", "ogg", "m4a", "webm", "mp3", "mp3 with a tag"])
def test_the_container_knows_better_than_the_sender(
    put: Put, data: bytes, duration: int
) -> None:
    path = put(data)
    assert of(path) == Measures(duration)
    assert of(path, SAID) == Measures(duration, "00407fff")


@pytest.mark.parametrize("data", [
    files.webm(None), files.webm(0), files.m4a(0), files.m4a(2**32 - 1), files.webm(LONGEST + 1),
    files.ogg(0),
], ids=["live", "zero", "fragments", "unknown", "a week and more", "cut"])
def test_where_the_container_does_not_know_the_sender_is_believed(put: Put, data: bytes) -> None:
    path = put(data)
    assert of(path) == NOTHING
    assert of(path, SAID) == Measures(4_321, "00407fff")


def test_a_recording_whose_header_promises_more_lasts_as_long_as_it_is(put: Put) -> None:
    assert of(put(files.wav(2_000)[:44 + 8 * 700])) == Measures(700)


@pytest.mark.parametrize("data", [files.mp4(900), files.webm(900, video=True)])
def test_a_video_has_a_size_and_no_waveform(put: Put, data: bytes) -> None:
    assert of(put(data), SAID) == Measures(900, None, 320, 180)


def test_a_phone_that_was_held_upright_made_an_upright_video(put: Put) -> None:
    assert of(put(files.mp4(turned=True))) == Measures(500, None, 180, 320)


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 180), (20_000, 180)])
def test_a_size_that_cannot_be_is_the_senders(put: Put, width: int, height: int) -> None:
    assert of(put(files.mp4(width=width, height=height)), SAID) == Measures(500, None, 640, 360)


def test_the_sound_of_a_video_is_a_sound(put: Put) -> None:
    assert of(put(files.mp4()), SAID, "audio/mp4") == Measures(500, "00407fff")


@pytest.mark.parametrize("data", [files.picture("PNG"), files.HTML, b""])
def test_nothing_else_has_measures(put: Put, data: bytes) -> None:
    assert of(put(data), SAID) == NOTHING
    assert measured(Path("/nowhere"), Kind("file", "application/pdf"), SAID) == NOTHING


@pytest.mark.parametrize("text", ["00", "00407FFF", "ab" * 100])
def test_a_waveform_is_up_to_a_hundred_bytes_in_hex(text: str) -> None:
    check_waveform(text)
    check_declared(Measures(waveform=text))


@pytest.mark.parametrize("text", [
    "", "0", "0g", "ab" * 101, " 00", "00\n", "0x00", "０0", "<script>",
])
def test_anything_else_is_no_waveform(text: str) -> None:
    for check in (check_waveform, lambda text: check_declared(Measures(waveform=text))):
        with pytest.raises(BadRequest, match="waveform"):
            check(text)


@pytest.mark.parametrize("said", [
    NOTHING, SAID, Measures(1), Measures(LONGEST), Measures(width=1, height=16_384),
])
def test_what_is_possible_may_be_declared(said: Measures) -> None:
    check_declared(said)


@pytest.mark.parametrize(("said", "named"), [
    (Measures(0), "duration"), (Measures(-1), "duration"), (Measures(LONGEST + 1), "duration"),
    (Measures(width=0, height=1), "width"), (Measures(width=1, height=16_385), "height"),
    (Measures(width=1), "both"), (Measures(height=1), "both"),
])
def test_what_is_not_possible_is_refused_by_its_name(said: Measures, named: str) -> None:
    with pytest.raises(BadRequest, match=named):
        check_declared(said)
