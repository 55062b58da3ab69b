"""``souk import``, from the outside."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from backend.bootstrap import Services
from tests.backend.cli.conftest import Souk
from tests.factories.catalog import buyer
from tests.factories.pictures import PICTURES
from tests.processes import ROOT

CATALOGUE = """type,slug,category,product,code,name_en,price,picture
category,cards,,,,Cards,,
product,card,cards,,,Card,,
variant,,,card,one,One,4.90,
"""


async def test_a_shop_from_two_files(services: Services, souk: Souk, tmp_path: Path) -> None:
    catalogue, keys = tmp_path / "shop.csv", tmp_path / "keys.txt"
    catalogue.write_text(CATALOGUE)
    keys.write_text("AAAA-BBBB-CCCC-1\nAAAA-BBBB-CCCC-2\nAAAA-BBBB-CCCC-1\n")

    looked = await souk("import", "catalogue", catalogue)
    assert looked.exit_code == 0, looked.output
    assert "--apply" in looked.output
    assert await services.catalog.storefront.categories(buyer()) == []

    assert "Written." in (await souk("import", "catalogue", catalogue, "--apply")).output
    added = await souk("import", "stock", keys, "--variant", "card/one", "--apply", "--unit-cost", "2.10")
    assert (added.exit_code, "Written." in added.output) == (0, True)
    assert "AAAA" not in added.output
    assert (await services.catalog.storefront.product(buyer(), "card")).available == 2

    catalogue.write_text(CATALOGUE.replace("4.90", "5.10"))
    changed = await souk("import", "catalogue", catalogue)
    assert "4.90" in changed.output and "5.10" in changed.output


async def test_the_examples_of_the_readme_import_as_printed(services: Services, souk: Souk, tmp_path: Path) -> None:
    blocks = re.findall(r"^   ```csv\n(.*?)^   ```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    catalogue, keys = (tmp_path / name for name in ("catalogue.csv", "keys.csv"))
    for path, block in zip((catalogue, keys), blocks, strict=True):
        path.write_text(textwrap.dedent(block))
    for what, path in (("catalogue", catalogue), ("stock", keys)):
        done = await souk("import", what, path, "--apply")
        assert (done.exit_code, "Written." in done.output) == (0, True), done.output
    assert (await services.catalog.storefront.product(buyer(), "music")).available == 1


async def test_a_shared_key_and_its_count(services: Services, souk: Souk, tmp_path: Path) -> None:
    catalogue, keys = tmp_path / "shop.csv", tmp_path / "keys.csv"
    catalogue.write_text(
        "type,slug,category,product,code,name_en,price,kind\ncategory,club,,,,Club,,\n"
        "product,seat,club,,,Seat,,shared_key\nvariant,,,seat,one,One,4.90,\n"
    )
    assert "Written." in (await souk("import", "catalogue", catalogue, "--apply")).output
    keys.write_text("variant,key\nseat/one,NAME-PASSWORD-1\n")
    refused = await souk("import", "stock", keys, "--apply")
    assert (refused.exit_code, "line 2, count: must not be empty" in refused.output) == (1, True)
    wrong = await souk("import", "stock", keys, "--count", "many")
    assert (wrong.exit_code, "--count: not a whole number" in wrong.output) == (2, True)
    looked = await souk("import", "stock", keys, "--count", "20")
    assert "seat/one" in looked.output and "new" in looked.output and "--apply" in looked.output
    assert (await services.catalog.storefront.product(buyer(), "seat")).available == 0
    assert "Written." in (await souk("import", "stock", keys, "--count", "20", "--apply")).output
    assert (await services.catalog.storefront.product(buyer(), "seat")).available == 20
    keys.write_text("variant,key,count\nseat/one,NAME-PASSWORD-2,unlimited\n")
    replaced = await souk("import", "stock", keys, "--apply")
    assert "replaced" in replaced.output and "unlimited" in replaced.output and "NAME" not in replaced.output
    assert (await services.catalog.storefront.product(buyer(), "seat")).available is None


async def test_bad_rows_end_with_1_and_no_trace(services: Services, souk: Souk, tmp_path: Path) -> None:
    catalogue = tmp_path / "shop.csv"
    catalogue.write_text(CATALOGUE.replace("4.90", "-1") + "shelf,,,,,X,,\n")
    refused = await souk("import", "catalogue", catalogue, "--apply")
    assert refused.exit_code == 1
    assert "line 4, price: a price is never negative (-1)" in refused.output
    assert "line 5, type: the type must be category, product or variant" in refused.output
    assert "Traceback" not in refused.output
    assert await services.catalog.storefront.categories(buyer()) == []


async def test_what_is_asked_wrongly_is_told_in_words(souk: Souk, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("A\n")
    assert "--variant" in (await souk("import", "stock", keys)).output
    assert (await souk("import", "stock", tmp_path / "none.csv")).exit_code == 2
    assert (await souk("import", "catalogue", keys)).exit_code == 2
    wrong = await souk("import", "stock", keys, "--variant", "card/one", "--unit-cost", "-2")
    assert wrong.exit_code == 2
    for command in ("catalogue", "stock"):
        assert "Usage" in (await souk("import", command, "--help")).output


async def test_pictures_come_from_a_folder_and_no_vector_from_an_admin(
    services: Services, souk: Souk, tmp_path: Path
) -> None:
    folder, catalogue = tmp_path / "pictures", tmp_path / "shop.csv"
    folder.mkdir()
    _, photo, png = PICTURES["a PNG"]
    (folder / "card.png").write_bytes(photo)
    catalogue.write_text(CATALOGUE.replace("Card,,\nvariant", "Card,,card.png\nvariant"))
    assert (await souk("import", "catalogue", catalogue, "--apply")).exit_code == 1
    assert (await souk("import", "catalogue", catalogue, "--apply", "--pictures", folder)).exit_code == 0
    card = await services.catalog.storefront.product(buyer(), "card")
    assert card.picture_url == f"/media/{card.picture}"
    assert (await services.storage.get(card.picture or "")).data == png
    (folder / "more.svg").write_bytes((ROOT / "backend/demo/pictures/antivirus.svg").read_bytes())
    refused = await souk("import", "catalogue", catalogue, "--pictures", folder)
    assert refused.exit_code == 1
    assert "Traceback" not in refused.output
