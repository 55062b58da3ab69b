"""The files a browser loads, made once at start: CSS joined and tightened, every name carrying its hash."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

STATIC_DIR: Final = Path(__file__).parents[1] / "static"
STATIC_URL: Final = "/static/"
INLINE_ICONS: Final = ("shop", "cart", "me", "manage", "globe", "card", "shield", "game", "sim", "box", "learn", "read")
"""What the first page shows: drawn in the shell itself, so that no icon comes after its words."""
ASKED_FOR: Final = (
    "admin.js", "certificate.js", "fair-draw.js", "lesson.js", "picture.js", "reading.js", "room.js",
)  # fmt: skip
"""Scripts of single pages. What only they do is disabled in the markup: by ``data-waits`` app.js enables it."""
# The order of the cascade; within components the files do not depend on one another's order.
CSS_LAYERS: Final = ("layers.css", "reset.css", "tokens.css", "base.css", "components/*.css", "pages/*.css")


class Asset(msgspec.Struct, frozen=True):
    """One file as it is served: ``path`` under /static/ carries the hash of ``body``."""

    path: str
    body: bytes
    gzipped: bytes
    content_type: str
    hash: str


class Assets:
    """All files, found by the hashed path that a browser asks for, or by plain name to make its address."""

    def __init__(self, assets: dict[str, Asset]) -> None:
        self._by_name = assets
        self._by_path = {asset.path: asset for asset in assets.values()}

    def url(self, name: str) -> str:
        """The address of a file by its plain name, such as ``app.css``. Raises KeyError for another name."""
        return STATIC_URL + self._by_name[name].path

    def find(self, path: str) -> Asset | None:
        """The file at a path under /static/, or None; browsers may cache it, because its name contains its hash."""
        return self._by_path.get(path)

    def icon(self, name: str) -> str:
        """What a ``<use>`` refers to for an icon of the sprite."""
        return f"#i-{name}" if name in INLINE_ICONS else f"{self.url('icons.svg')}#i-{name}"

    def inline_icons(self) -> str:
        """The symbols that the shell carries."""
        sprite = self._by_name["icons.svg"].body.decode()
        return "".join(
            symbol
            for symbol in re.findall(r"<symbol .*?</symbol>", sprite)
            if any(f'id="i-{name}"' in symbol for name in INLINE_ICONS)
        )

    def __iter__(self) -> Iterator[tuple[str, Asset]]:
        """Each plain name and its file."""
        return iter(self._by_name.items())


def minify_css(source: str) -> str:
    """CSS without comments and idle whitespace; strings and ``calc`` keep theirs."""
    text = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,]) ?", r"\1", text)
    text = re.sub(r"(?<=[{;])([\w-]+): ", r"\1:", text)
    return text.replace(";}", "}").strip()


def join_css() -> str:
    """Every stylesheet in the order of its layer."""
    files = [path for pattern in CSS_LAYERS for path in sorted((STATIC_DIR / "css").glob(pattern))]
    return minify_css("\n".join(path.read_text("utf-8") for path in files))


def vendored() -> list[dict[str, str]]:
    """What vendor.json says of each file that is not ours: name, version, licence, sha256."""
    entries: list[dict[str, str]] = json.loads((STATIC_DIR / "vendor" / "vendor.json").read_text("utf-8"))
    return entries


def _asset(name: str, body: bytes, content_type: str, version: str | None = None) -> Asset:
    digest = hashlib.sha256(body).hexdigest()
    stem, _, suffix = name.rpartition(".")
    path = f"{stem}.{version or digest[:12]}.{suffix}"
    return Asset(path, body, gzip.compress(body, 9, mtime=0), content_type, digest)


def build_assets() -> Assets:
    """Reads, joins, hashes and compresses every file.

    Raises ValueError when a vendored file is not the one that vendor.json lists.
    """
    javascript, svg = "text/javascript; charset=utf-8", "image/svg+xml; charset=utf-8"
    assets = {
        "app.css": _asset("app.css", join_css().encode(), "text/css; charset=utf-8"),
        "app.js": _asset("app.js", (STATIC_DIR / "app.js").read_bytes(), javascript),
        # Loaded where a page asks for one by ``data-js``, such as a lesson that plays something.
        # The public page of a draw's proof asks for its own, as it has no app around it.
        **{name: _asset(name, (STATIC_DIR / name).read_bytes(), javascript) for name in ASKED_FOR},
        "check_draw.py": _asset("check_draw.py", (STATIC_DIR / "check_draw.py").read_bytes(), "text/x-python"),
        "icons.svg": _asset("icons.svg", (STATIC_DIR / "icons.svg").read_bytes(), svg),
    }
    for entry in vendored():
        body = (STATIC_DIR / "vendor" / entry["file"]).read_bytes()
        if hashlib.sha256(body).hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['file']} is not {entry['name']} {entry['version']}: the checksum differs")
        name = entry["file"]
        stem = name.removesuffix(".min.js")
        asset = _asset(f"vendor/{stem}.js", body, javascript)
        assets[f"vendor/{name}"] = msgspec.structs.replace(asset, path=f"vendor/{stem}-{entry['version']}.min.js")
    return Assets(assets)
