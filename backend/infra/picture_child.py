"""The process that decodes one picture: limited in memory and time, so that no file harms the process that asks.

It is run as a script, reads from its input what ``backend.infra.picture_maker`` writes, and imports nothing of ours.
"""

from __future__ import annotations

import json
import math
import re
import resource
import struct
import sys
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_MEMORY: Final = 1024**3
"""Bytes of address space: a picture of the most pixels takes 500 MB of them."""
_CPU_SECONDS: Final = 15
_MOST_PIXELS: Final = {"JPEG": 64_000_000, "PNG": 32_000_000, "WEBP": 32_000_000, "GIF": 32_000_000}
"""A JPEG is decoded smaller than it is; the others are whole in memory."""
_LEAST_SIDE: Final = 64
_MOST_SCANS: Final = 100
"""A progressive JPEG of a camera has about ten, and each is a pass over the whole picture."""
_SCAN: Final = re.compile(rb"\xff\xda")
_QUALITY: Final = 82
_ORIENTATION: Final = 0x0112
_LYING: Final = frozenset({5, 6, 7, 8})
"""Orientations that exchange the sides."""


class Refused(Exception):
    """The picture is not taken; the code says why."""


def main() -> None:
    """Read a wish and a picture from the input; write the pictures made of it, or why there are none."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    source = sys.stdin.buffer
    (length,) = struct.unpack(">I", source.read(4))
    wish: dict[str, Any] = json.loads(source.read(length))
    try:
        encoded = make(source.read(), wish["crop"], wish["widths"])
    except Refused as refusal:
        answer(str(refusal), [])
    except MemoryError:
        answer("too_complex", [])
    else:
        answer("", encoded)


def answer(error: str, encoded: list[tuple[str, int, bytes]]) -> None:
    """Write the head, then the files one after the other."""
    head = {"error": error, "files": [(kind, width, len(data)) for kind, width, data in encoded]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(data for _, _, data in encoded))


def make(data: bytes, crop: list[float], widths: list[int]) -> list[tuple[str, int, bytes]]:
    """WebP of the widths that the picture has (the largest it has, at least), and a JPEG of the largest.

    ``crop`` is left, top, width and height as parts of the upright picture. Raises Refused.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - after the limits are set

    Image.MAX_IMAGE_PIXELS = max(_MOST_PIXELS.values())
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(data), formats=tuple(_MOST_PIXELS)) as picture:
            upright = _upright(picture, data, crop, widths[-1])
    except UnidentifiedImageError:
        raise Refused("not_a_picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused("too_many_pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error):
        raise Refused("damaged") from None
    width = min(widths[-1], upright.width)
    sized = [_sized(upright, one) for one in [*(one for one in widths if one < width), width]]
    encoded = [("webp", one.width, _encoded(one, "WEBP", quality=_QUALITY, method=4)) for one in sized]
    return [*encoded, ("jpg", width, _encoded(_on_white(sized[-1]), "JPEG", quality=85, optimize=True))]


def _upright(picture: Picture, data: bytes, crop: list[float], most: int) -> Picture:
    from PIL import ImageOps  # noqa: PLC0415

    kind = str(picture.format)
    if picture.width * picture.height > _MOST_PIXELS[kind]:
        raise Refused("too_many_pixels")
    if min(picture.size) < _LEAST_SIDE:
        raise Refused("too_small")
    if kind == "JPEG" and sum(1 for _ in _SCAN.finditer(data)) > _MOST_SCANS:
        raise Refused("too_complex")
    left, top, across, down = crop
    lying = picture.getexif().get(_ORIENTATION) in _LYING
    side = (picture.height if lying else picture.width) * across
    if kind == "JPEG" and side > 2 * most:
        scale = 2 * most / side
        picture.draft(None, (math.ceil(picture.width * scale), math.ceil(picture.height * scale)))
    picture.load()
    profile = picture.info.get("icc_profile")
    turned = {_ORIENTATION: picture.getexif().get(_ORIENTATION)}
    whole = _plain(picture)
    side = (whole.height if lying else whole.width) * across
    if (factor := int(side // (2 * most))) > 1:
        whole = whole.reduce(factor)
    if turned[_ORIENTATION] is not None:
        whole.getexif()[_ORIENTATION] = turned[_ORIENTATION]
        whole = ImageOps.exif_transpose(whole)
    right, bottom = (left + across) * whole.width, (top + down) * whole.height
    cut = whole.crop((round(left * whole.width), round(top * whole.height), round(right), round(bottom)))
    if min(cut.size) < _LEAST_SIDE // 2:
        raise Refused("too_small")
    return _in_srgb(cut, profile)


def _plain(picture: Picture) -> Picture:
    """The first frame as RGB, or RGBA where it can be seen through."""
    if picture.mode.startswith("I"):  # 16 bits of grey
        return picture.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        return seen.convert("RGB") if seen.getchannel("A").getextrema() == (255, 255) else seen
    return picture.convert("RGB")


def _in_srgb(picture: Picture, profile: bytes | None) -> Picture:
    """The colours as browsers show them without the profile, which is left out; a damaged one is ignored."""
    if not profile:
        return picture
    from PIL import ImageCms  # noqa: PLC0415

    try:
        own = ImageCms.ImageCmsProfile(BytesIO(profile))
        shown = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return shown or picture


def _sized(picture: Picture, width: int) -> Picture:
    from PIL import Image  # noqa: PLC0415

    if width == picture.width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _on_white(picture: Picture) -> Picture:
    from PIL import Image  # noqa: PLC0415

    if picture.mode != "RGBA":
        return picture
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    return page


def _encoded(picture: Picture, kind: str, **options: Any) -> bytes:
    clean = picture.copy()
    clean.info = {}  # no profile, no comment, no EXIF
    clean.getexif().clear()
    target = BytesIO()
    clean.save(target, kind, **options)
    return target.getvalue()


if __name__ == "__main__":
    main()
