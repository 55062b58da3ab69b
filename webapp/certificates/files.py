"""Files of certificates, at addresses signed for one person."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Response

from backend.certificates.types import CertificateId, FileKind
from backend.infra.rate_limit import Limit
from backend.kernel.errors import NotFound
from webapp.core.guards import PUBLIC, actor_of_address
from webapp.core.responses import signed_url
from webapp.core.site import SoukRequest, site_of

_SECONDS: Final = 2 * 60 * 60
"""An address is good as long as somebody may look at a page without a new one."""
_NAME: Final = re.compile(r"([0-9a-f-]{36})(?:-([1-9][0-9]{0,5}))?\.(pdf|png)")
DRAWN: Final = Limit("certificate", 60, 60)
"""Certificates and previews that are drawn or downloaded; by person."""


def file_url(
    request: SoukRequest,
    certificate_id: CertificateId,
    kind: FileKind,
    revision: int | None = None,
    *,
    save: bool = False,
) -> str:
    """The address of a file for the person of the request; with a ``revision``, of what it said then."""
    name = f"{certificate_id}-{revision}" if revision else str(certificate_id)
    return signed_url(request, f"/certificates/files/{name}.{kind}{'?save=1' if save else ''}", seconds=_SECONDS)


@get("/certificates/files/{name:str}", name="certificates:file", opt=PUBLIC)
async def certificate_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """A file, for whom its address was signed.

    Raises LinkExpired, SessionRevoked, Blocked, NotFound, CertificateNotValid, RateLimited.
    """
    actor = await actor_of_address(request)
    match = _NAME.fullmatch(name)
    if match is None:
        raise NotFound("not a file of ours")
    site = site_of(request)
    await site.services.limiter.hit(DRAWN, str(actor.id))
    kind, revision = FileKind(match[3]), int(match[2]) if match[2] else None
    try:
        certificate_id = CertificateId(UUID(match[1]))
    except ValueError:
        raise NotFound("no such certificate") from None
    content = await site.services.certificates.asking.file(actor, certificate_id, kind, revision)
    shown = "attachment" if "save" in request.query_params else "inline"
    headers = {
        "content-disposition": f'{shown}; filename="{content.name}"',
        "cache-control": "private, no-store",
        # Telegram's web clients fetch the file from their own origin.
        "access-control-allow-origin": "https://web.telegram.org",
    }
    return Response(content.data, media_type=content.mime, headers=headers)


HANDLERS: Final = (certificate_file,)
