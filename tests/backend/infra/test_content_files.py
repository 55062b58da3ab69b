"""Files by their content: stored once, read in parts, deleted when nothing names them."""

from __future__ import annotations

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.infra.content_files import ContentFiles
from backend.kernel.errors import NotFound


@pytest.fixture
def files(tmp_path: Path) -> ContentFiles:
    """An empty storage."""
    return ContentFiles(tmp_path / "courses")


async def test_equal_files_are_stored_once(files: ContentFiles, tmp_path: Path) -> None:
    data = bytes(range(256)) * 3000
    name = await files.put(io.BytesIO(data))
    assert name == await files.put(io.BytesIO(data)) == hashlib.sha256(data).hexdigest()
    assert [path.name for path in tmp_path.glob("courses/*/*")] == [name]
    assert await files.get(name) == data
    await files.copy(name, tmp_path / "out" / "file.bin")
    assert (tmp_path / "out" / "file.bin").read_bytes() == data


async def test_parts_come_in_pieces(files: ContentFiles) -> None:
    data = os.urandom(600_000)
    name = await files.put(io.BytesIO(data))
    pieces = [piece async for piece in files.read(name, 5, 500_000)]
    assert b"".join(pieces) == data[5:500_005] and len(pieces) == 2
    assert [piece async for piece in files.read(name, 599_999, 10)] == [data[-1:]]


@pytest.mark.parametrize("name", ["0" * 64, "../etc/passwd", "", "0" * 63 + "/"])
async def test_no_such_file(files: ContentFiles, name: str) -> None:
    with pytest.raises(NotFound):
        await files.get(name)


async def test_what_no_row_names_is_deleted_after_a_while(files: ContentFiles) -> None:
    used, unused = await files.put(io.BytesIO(b"used")), await files.put(io.BytesIO(b"unused"))
    now = datetime.now(UTC)
    assert await files.delete_others([used], now - timedelta(days=1)) == 0
    assert await files.delete_others([used], now + timedelta(seconds=5)) == 1
    assert await files.get(used) == b"used"
    with pytest.raises(NotFound):
        await files.get(unused)
