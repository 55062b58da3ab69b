"""What a browser loads: whole, small, ours or listed, and without what our rules forbid."""

from __future__ import annotations

import gzip
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.infra.i18n import translator
from backend.kernel.text import Locale
from webapp.core.assets import ASKED_FOR, STATIC_DIR, Assets, build_assets, join_css, minify_css, vendored
from webapp.core.rendering import TEMPLATES_DIR, Templates

NOW = datetime(2026, 11, 21, 14, 33, tzinfo=UTC)
SOURCES = sorted((STATIC_DIR / "css").rglob("*.css"))
TEMPLATES = sorted(TEMPLATES_DIR.rglob("*.html"))
_NEEDS_NO_WAIT = {
    *("data-lesson", "data-sort", "data-photo", "data-seed"),  # no controls, but what stands around some
    "data-grip",  # the arrows beside it do the same
    "data-spot",  # opens its card without the script, which only marks it
    *("data-photo-zoom", "data-photo-cancel", "data-photo-frame", "data-keys-again"),  # the script itself shows them
}


@pytest.fixture(scope="module")
def assets() -> Assets:
    return build_assets()


def test_every_name_carries_the_hash_of_its_bytes(assets: Assets) -> None:
    for name in ("app.css", "app.js", "icons.svg"):
        asset = assets.find(assets.url(name).removeprefix("/static/"))
        assert asset is not None
        assert asset.hash == hashlib.sha256(asset.body).hexdigest()
        assert asset.hash[:12] in asset.path
        assert gzip.decompress(asset.gzipped) == asset.body


def test_two_builds_are_the_same(assets: Assets) -> None:
    again = build_assets()
    for name in ("app.css", "app.js", "icons.svg", "vendor/htmx.min.js"):
        assert assets.url(name) == again.url(name)


def test_an_unknown_path_is_none_and_an_unknown_name_raises(assets: Assets) -> None:
    assert assets.find("app.000000000000.css") is None
    with pytest.raises(KeyError):
        assets.url("app.scss")


def test_each_vendored_file_is_the_one_listed() -> None:
    files = {path.name for path in (STATIC_DIR / "vendor").iterdir()}
    for entry in vendored():
        body = (STATIC_DIR / "vendor" / entry["file"]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == entry["sha256"]
        assert entry["npm"] == f"{entry['name']}@{entry['version']}"
        assert entry["licence_file"] in files
        files -= {entry["file"], entry["licence_file"]}
    assert files == {"vendor.json"}, "every vendored file is listed"


def test_a_changed_vendored_file_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [{**entry, "sha256": "0" * 64} for entry in vendored()]
    monkeypatch.setattr("webapp.core.assets.vendored", lambda: changed)
    with pytest.raises(ValueError, match="checksum"):
        build_assets()


def test_the_first_load_stays_under_60_kilobytes(assets: Assets) -> None:
    words = [translator(locale) for locale in Locale]
    shell = Templates(assets).shell(words, NOW, telegram_script_url="https://telegram.org/x.js", bot_url="")
    files = [
        assets.find(assets.url(name).removeprefix("/static/"))
        for name in ("app.css", "app.js", "icons.svg", "vendor/htmx.min.js")
    ]
    total = len(gzip.compress(shell, 9)) + sum(len(file.gzipped) for file in files if file)
    assert total < 60_000


def test_what_only_a_page_s_script_does_waits_for_that_script() -> None:
    """A tap or a chosen file that comes before the script would be lost: the control is disabled until it is here."""
    known = set().union(*(re.findall(r'(?:closest|matches)\W+"\[(data-[a-z-]+)]', _script(name)) for name in ASKED_FOR))
    markup = "".join(path.read_text("utf-8") for path in TEMPLATES)
    tags = {name: re.findall(rf"<[^<]*? {name}\b[^<]*?>", markup) for name in known - _NEEDS_NO_WAIT}
    assert "data-photo-file" in tags and all(tags.values())
    early = [tag for same in tags.values() for tag in same if not re.search(r"\bdisabled\b", tag)]
    assert not early


def _script(name: str) -> str:
    return (STATIC_DIR / name).read_text("utf-8")


def test_app_js_stays_under_12_kilobytes() -> None:
    assert (STATIC_DIR / "app.js").stat().st_size <= 12_000


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_css_knows_no_sides_and_no_colours_of_its_own(path: Path) -> None:
    css = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
    assert not re.search(r"(margin|padding|border|inset)-(left|right)|(^|[\s;{])(left|right|float):", css)
    assert css.count("{") == css.count("}")
    if path.name != "tokens.css":
        without_fallbacks = css.replace("var(--ink, #000000)", "")
        assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)|rgba?\(|hsla?\(", without_fallbacks)
    assert path.name == "layers.css" or css.strip().startswith("@layer ")


def test_every_source_is_joined_once_in_the_order_of_the_layers() -> None:
    joined = join_css()
    assert joined.startswith("@layer reset,tokens,base,components,pages;")
    assert joined.count("@layer components{") == len(list((STATIC_DIR / "css/components").glob("*.css")))
    order = [joined.index(f"@layer {layer}{{") for layer in ("reset", "tokens", "base", "components", "pages")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a {\n  color: red;\n}\n", "a{color:red}"),
        (
            "/* why */ .a > .b + .c { margin: calc(1px + 2px) auto; }",
            ".a > .b + .c{margin:calc(1px + 2px) auto}",
        ),
        ("@media (min-width: 700px) { a:hover { top: 0; } }", "@media (min-width: 700px){a:hover{top:0}}"),
        (".a :focus, .b::after { content: ''; }", ".a :focus,.b::after{content:''}"),
    ],
)
def test_minifying_keeps_the_meaning(source: str, expected: str) -> None:
    assert minify_css(source) == expected


def test_every_icon_that_is_asked_for_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC_DIR / "icons.svg").read_text("utf-8")))
    asked = set()
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        asked |= {f"i-{name}" for name in re.findall(r'\b(?:icon|icon_dir|glyph)\("([\w]+)"', text)}
        asked |= {f"i-{name}" for name in re.findall(r'icon_name="(\w+)"', text)}
        asked |= set(re.findall(r"#((?:i|r)-[a-z]+|dust)\b", text))
    assert asked <= drawn


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(TEMPLATES_DIR)))
def test_no_template_holds_script_or_style(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|hx-on", text)
    assert len(text.splitlines()) <= 400


def test_no_two_pages_dress_the_same_class() -> None:
    """All sheets are one file: the later rule wins, also on the other slice's page."""
    owners: dict[str, set[str]] = {}
    for sheet in sorted((STATIC_DIR / "css" / "pages").glob("*.css")):
        for name in re.findall(r"^ {2}\.([\w-]+) \{", sheet.read_text(), re.M):
            owners.setdefault(name, set()).add(sheet.name)
    assert len(owners) > 100
    assert {name: sheets for name, sheets in owners.items() if len(sheets) > 1} == {}
