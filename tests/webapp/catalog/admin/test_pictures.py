"""The picture of a product in the back office: sent, shown to phones in small, removed, undone, refused."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import text

from backend.bootstrap import Services
from backend.identity.types import Permission
from backend.infra.storage import UPLOAD_MB
from tests.factories.images import encoded, halves, opened, png_of
from tests.factories.shop import Goods
from tests.webapp.back_office import MakeAdmin
from tests.webapp.client import Visitor
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods

IN_BLOCK = {"headers": {"HX-Target": "picture"}}
PHOTO = encoded(halves(1500, 1000), "JPEG", quality=70)


@pytest.fixture
async def thing(services: Services) -> Goods:
    """A product with a tile."""
    return await goods(services)


@pytest.fixture
async def path(services: Services, thing: Goods) -> str:
    """The page of its picture."""
    async with services.uow.read() as tx:
        product = await tx.execute(text("SELECT product_id FROM variants WHERE id = :id"), {"id": thing.variant_id})
        return f"/admin/catalogue/products/{product.scalar_one()}/picture"


@pytest.fixture
async def editor(make_admin: MakeAdmin) -> Visitor:
    """An admin who may edit the catalogue."""
    return await make_admin(81, Permission.CATALOGUE)


async def test_a_picture_is_sent_seen_in_all_sizes_removed_and_put_back(
    services: Services, visitor: MakeVisitor, editor: Visitor, path: str, thing: Goods
) -> None:
    page = await editor.get(path)
    assert "Generated tile" in page.text
    assert "Remove picture" not in page.text
    crop = {"left": "25000", "top": "0", "width": "50000", "height": "50000"}
    sent = await editor.post(path, files={"picture": ("../../etc/x.jpg", PHOTO)}, data=crop, **IN_BLOCK)
    assert (sent.status_code, "Own picture" in sent.text, "Undo" in sent.text) == (200, True, True)
    assert sent.text.lstrip().startswith("<section"), "the block alone, for a page that holds it"
    buyer = visitor(42)
    await arrive(services, buyer)
    shop = unescape((await buyer.get(f"/shop/{thing.slug}")).text)
    (srcset,) = set(re.findall(r'srcset="([^"]+)" sizes="\(min-width: 700px\) 640px', shop))
    shown = [one.split(" ") for one in srcset.split(", ")]
    assert [width for _, width in shown] == ["320w", "640w", "750w"]
    for address, width in shown:
        answer = await buyer.client.get(address)
        assert (answer.headers["content-type"], opened(answer.content).width) == ("image/webp", int(width[:-1]))
    removed = await editor.post(f"{path}/remove", **IN_BLOCK)
    assert "Generated tile" in removed.text
    before, after = (re.search(f'name="{name}" value="([^"]*)"', removed.text)[1] for name in ("before", "after"))  # type: ignore[index]
    back = await editor.post(f"{path}/undo", data={"before": before, "after": after}, **IN_BLOCK)
    assert ("Own picture" in back.text, 'class="note undo"' in back.text) == (True, False)
    await editor.post(f"{path}/remove")
    await editor.post(path, files={"picture": ("x.png", encoded(halves()))})
    late = await editor.post(f"{path}/undo", data={"before": before, "after": after}, **IN_BLOCK)
    assert (late.status_code, late.headers["x-error-code"]) == (409, "picture_changed")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Choose a picture first."),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>', "This isn't a picture we can use."),
        (b"\0\0\0\x18ftypheic" + bytes(50), "We can't read HEIC pictures."),
        (png_of(30_000, 30_000), "This picture has too many pixels."),
        (PHOTO[:5000], "This file is damaged."),
        (b"\xff\xd8\xff" + bytes(UPLOAD_MB * 1_000_000), f"larger than {UPLOAD_MB} MB"),
    ],
    ids=["nothing", "svg", "heic", "bomb", "half", "large"],
)
async def test_why_a_picture_is_not_taken(
    services: Services, editor: Visitor, path: str, data: bytes, said: str
) -> None:
    answer = await editor.post(path, files={"picture": ("x.jpg", data)}, **IN_BLOCK)
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    async with services.uow.read() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM products WHERE picture IS NOT NULL"))).scalar_one() == 0


async def test_a_body_of_50_mb_is_refused_before_it_is_read(editor: Visitor, path: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=cut", "content-length": "50000000"}
    taken = 0

    async def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield bytes(1_000_000)

    answer = await editor.post(path, content=endless(), headers=headers)
    assert (answer.status_code, taken <= 1) == (413, True)


async def test_who_may_not_edit_the_catalogue(make_admin: MakeAdmin, path: str) -> None:
    other = await make_admin(82, Permission.STOCK)
    for answer in (await other.get(path), await other.post(path), await other.post(f"{path}/remove")):
        assert answer.status_code == 403
