"""The process that stamps one PDF: limited in memory and time. It is run as a script and imports nothing of ours.

It reads the stamp (a PDF of one page) and the document, and writes a head in JSON and the stamped document.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pypdf import PageObject

_MEMORY: Final = 1024**3
_CPU_SECONDS: Final = 40
_MOST_PAGES: Final = 2000
_FOOT: Final = 10
"""Points between the foot of a page and its stamp."""


class Refused(Exception):
    """The document can't be stamped; the code says why."""


def main() -> None:
    """Stamp the document of the input, or say why not."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    source = sys.stdin.buffer
    (length,) = struct.unpack(">I", source.read(4))
    mark, document = source.read(length), source.read()
    head: dict[str, Any] = {"error": "", "pages": 0}
    data = b""
    try:
        head["pages"], data = stamped(mark, document)
    except Refused as refusal:
        head["error"] = str(refusal)
    except (MemoryError, RecursionError):
        head["error"] = "too_complex"
    except Exception:
        head["error"] = "damaged"
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + data)


def stamped(mark: bytes, document: bytes) -> tuple[int, bytes]:
    """How many pages the document has, and the document with the mark at the foot of each. Raises Refused."""
    from pypdf import PdfReader, PdfWriter  # noqa: PLC0415 - after the limits are set

    reader = PdfReader(BytesIO(document))
    if reader.is_encrypted:
        raise Refused("encrypted")
    count = len(reader.pages)
    if not count:
        raise Refused("damaged")
    if count > _MOST_PAGES:
        raise Refused("too_many_pages")
    writer = PdfWriter(clone_from=reader)
    line = PdfReader(BytesIO(mark)).pages[0]
    for page in writer.pages:
        _stamp(page, line)
    target = BytesIO()
    writer.write(target)
    return count, target.getvalue()


def _stamp(page: PageObject, line: PageObject) -> None:
    from pypdf import Transformation  # noqa: PLC0415

    if page.rotation:
        page.transfer_rotation_to_content()
    box = page.cropbox
    scale = min(1.0, float(box.width) / float(line.mediabox.width))
    left = float(box.left) + (float(box.width) - float(line.mediabox.width) * scale) / 2
    place = Transformation().scale(scale).translate(left, float(box.bottom) + _FOOT)
    page.merge_transformed_page(line, place)


if __name__ == "__main__":
    main()
