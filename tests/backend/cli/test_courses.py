"""``souk import course`` and ``souk export course``, from the outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.bootstrap import Services
from backend.cli import courses
from backend.courses.types.authoring import FolderProblemCode
from backend.courses.types.lessons import TextProblem
from tests.backend.cli.conftest import Souk
from tests.factories.courses import add_category
from tests.processes import ROOT

_DEMO = ROOT / "backend" / "demo" / "courses" / "calm-in-seven-days"


@pytest.fixture(autouse=True)
async def category(services: Services) -> None:
    """The category that the course is in."""
    async with services.uow() as tx:
        await add_category(tx, "skills")


async def test_a_course_goes_in_and_comes_out_unchanged(souk: Souk, tmp_path: Path) -> None:
    looked = await souk("import", "course", _DEMO)
    assert (looked.exit_code, "--apply" in looked.output) == (0, True), looked.output
    done = await souk("import", "course", _DEMO, "--apply")
    assert (done.exit_code, "Written." in done.output) == (0, True), done.output
    assert "No changes." in (await souk("import", "course", _DEMO, "--apply")).output
    out = tmp_path / "out"
    written = await souk("export", "course", "calm-in-seven-days", out)
    files = {path.relative_to(_DEMO): path.read_bytes() for path in _DEMO.rglob("*") if path.is_file()}
    assert (written.exit_code, f"{len(files)} files" in written.output) == (0, True), written.output
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == files


async def test_mistakes_are_lines_and_an_exit_code(souk: Souk, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    assert (await souk("import", "course", _DEMO, "--apply")).exit_code == 0
    await souk("export", "course", "calm-in-seven-days", folder)
    lesson = folder / "02-a-place-to-sit.md"
    lesson.write_text(
        lesson.read_text("utf-8").replace('minutes: "7"', "minutes: 0123") + "\n[x](javascript:y)\n", "utf-8"
    )
    bad = await souk("import", "course", folder, "--apply")
    assert bad.exit_code == 1
    assert "02-a-place-to-sit.md:3, minutes: not a whole number (0123)" in bad.output
    assert "links go to https, mailto and tg (javascript:y)" in bad.output
    assert "Nothing was written" in bad.output and "Traceback" not in bad.output


async def test_what_cannot_be_exported_is_one_line(souk: Souk, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    for arguments in (("nowhere", tmp_path / "new"), ("nowhere", tmp_path)):
        refused = await souk("export", "course", *arguments)
        assert refused.exit_code == 1 and refused.output.count("\n") == 1, refused.output
    missing = await souk("import", "course", tmp_path / "none")
    assert missing.exit_code == 2 and "Traceback" not in missing.output


def test_every_problem_has_words() -> None:
    assert set(courses._WORDS) == {*FolderProblemCode, *TextProblem}
