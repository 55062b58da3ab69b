"""Pictures: what is kept, under which name, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.infra.storage import MAX_BYTES, Storage
from backend.kernel.errors import Invalid, NotFound
from tests.factories.pictures import PICTURES

PHONES, WEBP = PICTURES["a JPEG of a phone"], PICTURES["a WebP"][2]
JPEG, PNG = PHONES[2], PICTURES["a PNG"][2]
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><defs><linearGradient id="g"/></defs><rect fill="url(#g)"/></svg>'


@pytest.mark.parametrize(
    ("data", "content_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp"), (SVG, "image/svg+xml")]
)
async def test_a_picture_is_kept_once_under_its_hash(tmp_path: Path, data: bytes, content_type: str) -> None:
    storage = Storage(tmp_path)
    name = await storage.put(data, trusted=True)
    assert await storage.put(data, trusted=True) == name
    file = await storage.get(name)
    assert (file.data, file.content_type) == (data, content_type)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_a_picture_is_kept_without_metadata_under_the_name_of_what_came(tmp_path: Path) -> None:
    storage, (_, photo, clean) = Storage(tmp_path), PHONES
    name = await storage.put(photo)
    assert name == await storage.put(photo) != await storage.put(clean)
    assert (await storage.get(name)).data == clean
    assert all(b"CAM" not in path.read_bytes() for path in tmp_path.rglob("*.jpg"))


async def test_a_picture_that_was_kept_with_metadata_loses_it_when_it_is_read(tmp_path: Path) -> None:
    storage, (_, photo, clean) = Storage(tmp_path), PHONES
    name = storage.name_of(photo)
    old = tmp_path / name[:2] / name
    old.parent.mkdir()
    old.write_bytes(photo)
    read = await asyncio.gather(*(storage.get(name) for _ in range(8)))
    assert {file.data for file in read} == {(await storage.get(name)).data} == {clean}
    assert not old.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<html><svg>",
        b"%PDF",
        b"\x89PNG" + b"\0" * MAX_BYTES,
        SVG.replace(b"<rect", b"<script>x</script><rect"),
    ]
    + [
        SVG.replace(b"<rect", b"<rect " + attack)
        for attack in (b'onload="x"', b'fill="url(https://x)"', b'href="data:x"')
    ]
    + [b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + SVG, b"<?xml version='1.0'?><!ENTITY x>" + SVG]
    + [
        SVG.replace(b"<rect", tag + b"/><rect")
        for tag in (b"<use", b"<image", b"<foreignObject", b"<style", b"< a", b"<animate")
    ],
)
async def test_what_is_no_plain_picture_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Invalid):
        await Storage(tmp_path).put(data, trusted=True)
    assert list(tmp_path.iterdir()) == []


async def test_a_vector_picture_is_taken_from_trusted_hands_only(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        await Storage(tmp_path).put(SVG)


@pytest.mark.parametrize(
    "name", ["", "../secret", "a" * 40, "a" * 40 + ".png/..", "A" * 40 + ".png", "a" * 40 + ".gif", "a" * 40 + ".png"]
)
async def test_only_names_that_were_given_are_found(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret").write_text("no")
    with pytest.raises(NotFound):
        await Storage(tmp_path).get(name)


async def test_a_folder_is_looked_at_or_kept(tmp_path: Path) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    source.mkdir()
    (source / "a.png").write_bytes(PNG)
    (source / "notes.txt").write_text("not a picture")
    storage = Storage(root)
    looked = await storage.put_folder(source, keep=False)
    assert not root.exists()
    assert await storage.put_folder(source) == looked
    assert set(looked) == {"a.png"}
