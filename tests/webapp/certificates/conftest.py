"""The school with its admins, and certificates with pictures that cost nothing."""

import msgspec
import pytest
from litestar import Litestar

from backend.bootstrap import Services
from tests.webapp.back_office import make_admin, root  # noqa: F401
from tests.webapp.conftest import MakeVisitor
from tests.webapp.courses.school import Classroom


class _Quick:
    """Draws nothing."""

    async def pdf(self, data: msgspec.Struct) -> bytes:
        return b"%PDF-" + msgspec.json.encode(data)

    async def png(self, data: msgspec.Struct, *, ppi: int) -> bytes:
        return b"\x89PNG\r\n\x1a\n" + msgspec.json.encode(data)


@pytest.fixture
async def room(services: Services, app: Litestar, visitor: MakeVisitor, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """A course of four lessons, on sale."""
    monkeypatch.setattr(services.certificates.printing, "_drawer", _Quick())
    return await Classroom(services, app, visitor).furnish()
