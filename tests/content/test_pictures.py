"""Pictures as they are kept: the same to look at, and nothing but pixels."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from app.content.kinds import kind_of
from app.content.pictures import prepare
from app.errors import StorageFull
from tests.content.clean import CLEAN, parts
from tests.content.conftest import PIXELS, Prepare, Put
from tests.support import files

FORMATS = ["JPEG", "PNG", "GIF", "WEBP"]


def seen(path: Path, frame: int = 0) -> Image.Image:
    with Image.open(path) as image:
        image.seek(frame)
        return image.convert("RGBA")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean of how far their pixels are apart, 0 to 255; opaque ones, on white."""
    assert one.size == other.size
    flat = [Image.alpha_composite(Image.new("RGBA", i.size, "white"), i) for i in (one, other)]
    apart = ImageChops.difference(flat[0].convert("RGB"), flat[1].convert("RGB"))
    return max(ImageStat.Stat(apart).mean)


def source(data: bytes, frame: int = 0) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.seek(frame)
        return image.convert("RGBA")


@pytest.mark.parametrize(("format", "type"), [
    ("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp"),
])
def test_a_picture_stays_what_it_is(prepared: Prepare, format: str, type: str) -> None:
    data = files.picture(format)
    made = prepared(data)
    assert kind_of(made.shown, "").type == type
    assert (made.width, made.height) == (64, 48)
    assert difference(seen(made.shown), source(data)) < 3


@pytest.mark.parametrize(("format", "mode"), [
    ("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"),
    ("PNG", "RGBA"), ("GIF", "L"), ("GIF", "1"), ("WEBP", "RGBA"),
])
def test_colours_and_transparency_stay(prepared: Prepare, format: str, mode: str) -> None:
    data = files.picture(format, mode=mode)
    assert difference(seen(prepared(data).shown), source(data)) < 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_colour_that_is_declared_transparent_stays_so(prepared: Prepare, mode: str) -> None:
    image = files.pattern(64, 48).convert(mode)
    colour = image.getpixel((0, 0))
    data = files.encoded(image, "PNG", transparency=colour)
    made = prepared(data)
    assert source(data).getpixel((0, 0))[3] == 0
    assert difference(seen(made.shown), source(data)) == 0
    assert seen(made.small).getpixel((0, 0))[3] < 32


def test_sixteen_bits_become_the_eight_that_are_shown(prepared: Prepare) -> None:
    deep = Image.new("I;16", (64, 48), 0xC0DE)
    assert seen(prepared(files.encoded(deep, "PNG")).shown).getpixel((0, 0)) == (192, 192, 192, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_what_was_held_aside_is_upright_and_nobody_learns_where(
    prepared: Prepare, format: str, orientation: int
) -> None:
    """A red corner that EXIF says is elsewhere: the turns are those of the specification."""
    corner = {  # where the stored upper left corner is shown
        1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1),
    }[orientation]
    image = Image.new("RGB", (96, 64), "white")
    image.paste("red", (0, 0, 32, 16))
    data = files.located(format, orientation, image)
    assert files.TELLTALE in data
    made = prepared(data)
    size = (64, 96) if orientation > 4 else (96, 64)
    assert (made.width, made.height) == size
    for path in (made.shown, made.small):
        upright = seen(path)
        assert upright.size == size
        red = upright.getpixel((corner[0] * (size[0] - 1), corner[1] * (size[1] - 1)))
        assert red[0] > 200 > 90 > red[1]
    assert files.TELLTALE not in made.shown.read_bytes()
    with Image.open(made.shown) as image:
        assert not image.getexif()
    type = f"image/{format.lower()}"
    assert parts(made.shown.read_bytes(), type) <= CLEAN[type]


@pytest.mark.parametrize("data", [
    *[files.located(format) for format in ("JPEG", "PNG", "WEBP")],
    files.animation("GIF"), files.animation("WEBP"), files.animation("PNG"),
    files.encoded(files.pattern(64, 48), "GIF", comment=files.TELLTALE),
    files.gif_js(), files.png_zip(), files.jpeg_html(),
    *[files.picture(format) + files.HTML for format in FORMATS],
    files.with_chunk(files.picture("PNG"), files.chunk(b"prVt", files.TELLTALE)),
], ids=lambda data: "")
def test_nothing_is_left_but_pixels(prepared: Prepare, put: Put, data: bytes) -> None:
    made = prepared(data)
    kept = made.shown.read_bytes()
    type = kind_of(made.shown, "").type
    assert files.TELLTALE not in kept
    assert parts(kept, type) <= CLEAN[type]
    assert parts(made.small.read_bytes(), "image/webp") <= CLEAN["image/webp"]
    assert kind_of(put(kept), "text/html").type == type


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_an_animation_moves_as_before(prepared: Prepare, format: str) -> None:
    data = files.animation(format, frames=4)
    made = prepared(data)
    with Image.open(made.shown) as image, Image.open(io.BytesIO(data)) as before:
        assert image.n_frames == 4
        assert image.info["loop"] == before.info["loop"] == 0
        for frame in range(4):
            image.seek(frame)
            image.load()
            assert image.info["duration"] == 100 + 10 * frame
            assert difference(image.convert("RGBA"), source(data, frame)) < 3
    with Image.open(made.small) as small:
        assert small.n_frames == 1


def test_frames_of_a_gif_keep_their_palettes_places_and_disposals(prepared: Prepare) -> None:
    """What Pillow makes of it is the same to the pixel."""
    dots = [Image.new("RGBA", (50, 40)) for _ in range(5)]
    for step, dot in enumerate(dots):
        dot.paste(("red", "lime", "blue", "black", "gold")[step], (step * 9, step * 5, 45, 35))
    data = files.encoded(
        dots[0], "GIF", save_all=True, append_images=dots[1:], duration=70, disposal=2, loop=3,
    )
    made = prepared(data)
    for frame in range(5):
        assert difference(seen(made.shown, frame), source(data, frame)) == 0
    with Image.open(made.shown) as image:
        assert image.info["loop"] == 3


def test_an_animated_png_keeps_its_first_picture(prepared: Prepare) -> None:
    data = files.animation("PNG")
    made = prepared(data)
    with Image.open(made.shown) as image:
        assert image.format == "PNG" and image.n_frames == 1
    assert difference(seen(made.shown), source(data)) == 0


def test_thumbnails_are_webp_in_two_sizes(prepared: Prepare) -> None:
    made = prepared(files.picture("JPEG", 1600, 800))
    assert made.large
    with Image.open(made.large) as large, Image.open(made.small) as small:
        assert (large.format, large.size) == ("WEBP", (1280, 640))
        assert (small.format, small.size) == ("WEBP", (320, 160))


@pytest.mark.parametrize(("size", "small"), [
    ((1280, 700), (320, 175)), ((320, 10), (320, 10)), ((1, 1), (1, 1)), ((40, 30), (40, 30)),
    ((1200, 1), (320, 1)),
])
def test_there_is_no_large_one_of_what_is_small(
    prepared: Prepare, size: tuple[int, int], small: tuple[int, int]
) -> None:
    made = prepared(files.picture("PNG", *size))
    assert made.large is None
    with Image.open(made.small) as image:
        assert image.size == small


@pytest.mark.parametrize("quality", [10, 30, 60, 88, 98])
def test_a_jpeg_does_not_grow(prepared: Prepare, quality: int) -> None:
    noisy = Image.effect_noise((600, 400), 70).convert("RGB")
    data = files.encoded(noisy, "JPEG", quality=quality)
    made = prepared(data)
    assert made.shown.stat().st_size <= 1.2 * len(data)
    assert difference(seen(made.shown), source(data)) < 12
    with Image.open(made.shown) as image:
        assert image.info["progressive"]


def test_colours_of_another_space_become_srgb(prepared: Prepare) -> None:
    """With the profile of a space of swapped colours, red is green."""
    swapped = swapped_profile()
    for format in ("JPEG", "PNG", "WEBP"):
        red = Image.new("RGB", (64, 48), "red")
        made = prepared(files.encoded(red, format, icc_profile=swapped, quality=95))
        pixel = seen(made.shown).getpixel((10, 10))
        assert pixel[1] > 200 > 60 > pixel[0], format
        with Image.open(made.shown) as image:
            assert "icc_profile" not in image.info


def swapped_profile() -> bytes:
    """sRGB with the tags of red and green exchanged."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile = profile.replace(b"s\0R\0G\0B", b"o\0R\0G\0B")  # its name
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red:red + 4], profile[green:green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("profile", [b"garbage", b"", bytes(3000), swapped_profile()[:300]])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_profile_that_nobody_can_read_counts_for_nothing(
    prepared: Prepare, format: str, profile: bytes
) -> None:
    data = files.profiled(format, profile)
    made = prepared(data)
    assert difference(seen(made.shown), source(data)) < 3


def test_a_profile_for_other_colours_counts_for_nothing(prepared: Prepare) -> None:
    data = files.profiled("PNG", swapped_profile(), mode="L")
    assert difference(seen(prepared(data).shown), source(data)) == 0


@pytest.mark.parametrize("data", [
    files.picture("JPEG", 600, 400), files.picture("PNG", 600, 400), files.picture("GIF"),
    files.picture("WEBP"),
], ids=FORMATS)
@pytest.mark.parametrize("name", ["shown", "small"])
def test_a_full_disk_is_not_the_pictures_fault(
    put: Put, tmp_path: Path, data: bytes, name: str
) -> None:
    path = put(data)
    (tmp_path / name).symlink_to("/dev/full")
    with pytest.raises(StorageFull):
        prepare(path, tmp_path, kind_of(path, "").type, PIXELS)
