"""The heart on products, as a browser in Telegram gets it."""

from __future__ import annotations

from backend.bootstrap import Services
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive, goods


async def test_a_heart_is_tapped_found_again_and_taken_back(services: Services, visitor: MakeVisitor) -> None:
    thing, other = await goods(services), await goods(services, keys=0)
    reader = visitor()
    await arrive(services, reader)
    for path in ("/shop", "/shop?sort=new", f"/shop/{thing.slug}"):
        page = (await reader.get(path)).text
        assert f'id="heart-{thing.slug}" type="button" aria-pressed="false"' in page
        assert 'hx-get="/favourites/hearts"' in page
    liked = await reader.post(f"/favourites/{thing.slug}")
    assert 'aria-pressed="true"' in liked.text
    assert "hx-swap-oob" not in liked.text
    assert f'hx-post="/favourites/{thing.slug}/remove"' in liked.text
    hearts = (await reader.get(f"/favourites/hearts?{thing.slug}=1&{other.slug}=1")).text
    assert f'id="h-{thing.slug}" hx-swap-oob="true"' in hearts
    assert other.slug not in hearts
    await reader.post(f"/favourites/{other.slug}")
    mine = (await reader.get("/me/favourites")).text
    assert mine.count('aria-pressed="true"') == 2
    assert "Sold out" in mine
    assert "Favourites" in (await reader.get("/me")).text
    back = await reader.post(f"/favourites/{thing.slug}/remove")
    assert 'aria-pressed="false"' in back.text
    await reader.post(f"/favourites/{other.slug}/remove")
    assert "No favourites yet" in (await reader.get("/me/favourites")).text


async def test_bad_slugs_are_refused_or_nothing(services: Services, visitor: MakeVisitor) -> None:
    reader = visitor()
    await arrive(services, reader)
    assert (await reader.post("/favourites/no-such-thing")).status_code == 404
    assert (await reader.post("/favourites/no-such-thing/remove")).status_code == 200
    assert (await reader.get("/favourites/hearts?%27%3B--=1")).text.strip() == ""
    many = "&".join(f"slug-{number}=1" for number in range(201))
    assert (await reader.get(f"/favourites/hearts?{many}")).status_code == 400


async def test_the_api_likes_and_lists(services: Services, visitor: MakeVisitor) -> None:
    thing = await goods(services)
    reader = visitor()
    await arrive(services, reader)
    path = f"/api/v1/favourites/{thing.slug}"
    assert (await reader.ask("PUT", path, html=False)).status_code == 204
    (row,) = (await reader.get("/api/v1/favourites", html=False)).json()
    assert (row["slug"], row["price"], row["for_sale"], row["available"]) == (thing.slug, row["seen"], True, 5)
    assert (await reader.ask("DELETE", path, html=False)).status_code == 204
    assert (await reader.get("/api/v1/favourites", html=False)).json() == []
    assert (await reader.ask("PUT", "/api/v1/favourites/none", html=False)).status_code == 404
