"""The page, its static files, and our telegram-web-app.js."""

import hashlib
import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

from bot.simulator.config import SimulatorConfig, is_loopback

_HERE = Path(__file__).parent
_BRIDGE = "telegram-web-app.js"


class Asset(msgspec.Struct, frozen=True):
    """A static file in memory; the etag changes with its content."""

    content: bytes
    media_type: str
    etag: str


def load_assets() -> dict[str, Asset]:
    """Read all static files by their names."""
    assets: dict[str, Asset] = {}
    for path in sorted((_HERE / "static").iterdir()):
        content = path.read_bytes()
        kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        assets[path.name] = Asset(content, kind or "application/octet-stream", etag)
    return assets


def _frame_sources(public_url: str) -> str:
    parts = urlsplit(public_url)
    port = f":{parts.port}" if parts.port else ""
    hosts = {parts.hostname or ""}
    if is_loopback(parts.hostname or ""):
        hosts |= {"localhost", "127.0.0.1"}
    return " ".join(sorted(f"{parts.scheme}://{host}{port}" for host in hosts))


def content_security_policy(config: SimulatorConfig) -> str:
    """Return the page's policy: everything from here, frames from the Mini App's origin only."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self'",
            "connect-src 'self'",
            f"frame-src {_frame_sources(config.public_url)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def render_page(config: SimulatorConfig) -> bytes:
    """Return the page; it is the same for everybody, who one is stands in its address."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    icons = (_HERE / "static" / "icons.svg").read_text("utf-8")
    template = environment.get_template("index.html")
    return template.render(bot_name=config.bot_name, icons=icons).encode()


def _serve(asset: Asset, request: Request[Any, Any, Any], headers: dict[str, str]) -> Response[bytes]:
    headers = {"ETag": asset.etag, **headers}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@get("/")
async def index(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Serve the page."""
    headers = {
        "Content-Security-Policy": request.app.state.policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Response(request.app.state.page, media_type="text/html", headers=headers)


@get("/static/{name:str}")
async def static(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Serve a static file."""
    asset = request.app.state.assets.get(name)
    if asset is None:
        return Response(b"not found", status_code=404, media_type="text/plain")
    return _serve(asset, request, {"Cache-Control": "no-cache"})


@get(f"/{_BRIDGE}")
async def bridge(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Serve our telegram-web-app.js to Mini Apps of any origin."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "public, max-age=300",
    }
    return _serve(request.app.state.assets[_BRIDGE], request, headers)


HANDLERS = [index, static, bridge]
