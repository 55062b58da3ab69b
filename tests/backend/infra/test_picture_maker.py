"""Uploaded pictures: what they become, and what is refused before it harms anybody."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest
from PIL import Image

from backend.infra import picture_maker
from backend.infra.picture_maker import WIDTHS, Crop, PictureMaker, chat_name, sizes_of
from backend.infra.storage import MAX_UPLOAD_BYTES, Storage
from backend.kernel.errors import Invalid
from tests.factories.images import encoded, halves, opened, png_of


@pytest.fixture
def maker() -> PictureMaker:
    """Makes pictures."""
    return PictureMaker()


async def refusal(maker: PictureMaker, data: bytes) -> str:
    """Why it is not taken."""
    with pytest.raises(Invalid) as caught:
        await maker.make(data)
    return caught.value.fields["picture"]


async def test_a_picture_is_made_in_every_size_it_is_large_enough_for(maker: PictureMaker, tmp_path: Path) -> None:
    result = await maker.make(encoded(halves(2000, 1000), "JPEG", comment=b"Emma's phone"))
    storage = Storage(tmp_path)
    await storage.put_files(result.files)
    assert result.name == sizes_of(result.name)[-1][0]
    assert [width for _, width in sizes_of(result.name)] == list(WIDTHS)
    for name, width in sizes_of(result.name):
        stored = await storage.get(name)
        shown = opened(stored.data)
        assert (stored.content_type, shown.format, shown.size) == ("image/webp", "WEBP", (width, width // 2))
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(shown.info)
    in_chat = chat_name(result.name)
    assert in_chat is not None
    assert opened((await storage.get(in_chat)).data).format == "JPEG"
    assert (await maker.make(encoded(halves(2000, 1000), "JPEG"))).name == result.name, "what is seen names it"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "JPEG"), ("L", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("RGB", "WEBP"), ("1", "PNG")],
)
async def test_every_way_to_store_colours(maker: PictureMaker, mode: str, kind: str) -> None:
    result = await maker.make(encoded(halves(100, 80, mode), kind))
    assert opened(result.files[-1][1]).size == (100, 80)
    assert sizes_of(result.name) == ((result.name, 100),)


async def test_sixteen_bits_of_grey_are_not_all_white(maker: PictureMaker) -> None:
    result = await maker.make(encoded(Image.new("I;16", (80, 80), 0x8000)))
    red, _, _ = opened(result.files[-1][1]).convert("RGB").getpixel((40, 40))  # type: ignore[misc]
    assert 120 < red < 136


async def test_a_phone_held_upright_is_cut_as_it_is_seen(maker: PictureMaker) -> None:
    lying = halves(400, 300)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise: red is above
    result = await maker.make(encoded(lying, "JPEG", exif=exif, quality=95), Crop(height=50_000))
    shown = opened(result.files[-1][1]).convert("RGB")
    assert shown.size == (300, 200)
    assert all(shown.getpixel(at)[0] > 200 for at in ((5, 5), (150, 100), (290, 190)))  # type: ignore[index]


async def test_what_can_be_seen_through_stays_so_and_is_white_in_a_chat(maker: PictureMaker) -> None:
    result = await maker.make(encoded(Image.new("RGBA", (100, 100), (0, 0, 0, 0))))
    files = dict(result.files)
    assert opened(files[result.name]).getpixel((50, 50))[3] == 0  # type: ignore[index]
    assert opened(files[str(chat_name(result.name))]).getpixel((50, 50)) == (255, 255, 255)


async def test_only_the_first_frame_of_thousands_is_read(maker: PictureMaker) -> None:
    frames = [Image.new("P", (64, 64), number % 250) for number in range(3000)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime  # it is decoded in a process of its own
    result = await maker.make(data)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert 0 < used < 1
    assert opened(result.files[-1][1]).size == (64, 64)


@pytest.mark.parametrize(
    "crop", [Crop(left=50_000), Crop(width=0), Crop(height=-9), Crop(left=-5, top=-5), Crop(width=10**9)]
)
async def test_a_crop_that_is_no_part_of_it_keeps_the_whole(maker: PictureMaker, crop: Crop) -> None:
    result = await maker.make(encoded(halves(120, 80)), crop)
    assert opened(result.files[-1][1]).size == (120, 80)


GOOD = encoded(halves(), "JPEG", quality=80)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "required"),
        (b"\xff\xd8\xff" + bytes(MAX_UPLOAD_BYTES), "too_large"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "heic"),
        (b"\0\0\0\x18ftypavif" + bytes(100), "heic"),
        (SVG, "not_a_picture"),
        (b"<?xml version='1.0'?>" + SVG, "not_a_picture"),
        (b"%PDF-1.7", "not_a_picture"),
        (b"PK\x03\x04", "not_a_picture"),
        (b"BM" + bytes(100), "not_a_picture"),
        (b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>", "damaged"),
        (b"GIF89a", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (GOOD[: len(GOOD) // 2], "damaged"),
        (encoded(halves())[:-200], "damaged"),
        (encoded(halves(), "WEBP")[:-50], "damaged"),
        (encoded(halves(40, 40)), "too_small"),
        (png_of(30_000, 30_000), "too_many_pixels"),
        (png_of(8_000, 8_000), "too_many_pixels"),
        (GOOD + b"\xff\xda" * 101, "too_complex"),
    ],
)
async def test_what_is_refused(maker: PictureMaker, data: bytes, code: str) -> None:
    assert await refusal(maker, data) in {code, "not_a_picture"} if code == "damaged" else code


async def test_a_picture_that_ends_in_something_else_is_only_a_picture(maker: PictureMaker) -> None:
    result = await maker.make(GOOD + b"PK\x03\x04 a ZIP and <script>alert(1)</script>")
    assert all(b"script" not in data and b"PK\x03\x04" not in data for _, data in result.files)


async def test_a_child_that_takes_too_long_is_stopped(maker: PictureMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_maker, "_SECONDS", 0.0)
    assert await refusal(maker, GOOD) == "too_complex"


async def test_the_child_has_nothing_of_our_environment(
    maker: PictureMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spy = tmp_path / "spy.py"
    spy.write_text("import json, os; print(json.dumps({'error': str(sorted(os.environ)), 'files': []}))")
    monkeypatch.setattr(picture_maker, "_CHILD", spy)
    monkeypatch.setenv("MASTER_KEY", "secret")
    assert "MASTER_KEY" not in await refusal(maker, GOOD)


async def test_many_large_pictures_at_once_leave_this_process_as_it_was(maker: PictureMaker) -> None:
    large = encoded(Image.new("L", (3000, 2000), 200), "JPEG")
    await maker.make(GOOD)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await asyncio.gather(*(maker.make(large) for _ in range(4)))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 20, "decoded, one of them takes 6 MB, and its processing more"
