"""``souk import course`` and ``souk export course``: a course as a folder of Markdown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

import click
from rich.markup import escape
from rich.progress import TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.bootstrap import Services
from backend.cli.catalog import import_group
from backend.cli.frame import FAILED, console, progress, with_services
from backend.courses.types.authoring import ChangeAction, CourseReport, FolderProblem, FolderProblemCode
from backend.courses.types.lessons import TextProblem
from backend.identity.types import Actor

_SHOWN_CHANGES: Final = 200
_WORDS: Final[dict[FolderProblemCode | TextProblem, str]] = {
    FolderProblemCode.NO_COURSE: "the folder has no such file",
    FolderProblemCode.NOT_UTF8: "the line is not UTF-8",
    FolderProblemCode.NO_HEAD: "the file must begin with a line of three hyphens, fields, and three hyphens again",
    FolderProblemCode.HEAD_OPEN: "the fields at the beginning don't end with a line of three hyphens",
    FolderProblemCode.BAD_YAML: "not YAML",
    FolderProblemCode.KEY_TWICE: "the field appears twice",
    FolderProblemCode.UNKNOWN_KEY: "no such field",
    FolderProblemCode.REQUIRED: "missing or empty",
    FolderProblemCode.NOT_A_NUMBER: "not a whole number",
    FolderProblemCode.OUT_OF_RANGE: "too small, too large or not possible",
    FolderProblemCode.NOT_YES_OR_NO: "must be yes or no",
    FolderProblemCode.UNKNOWN_VALUE: "not one of the known values",
    FolderProblemCode.BAD_TIME: "not a time such as 09:30",
    FolderProblemCode.BAD_DATE: "not a date such as 2027-01-31, or a time such as 2027-01-31T09:00:00Z",
    FolderProblemCode.NOT_ONE_TEXT: "must be one plain text",
    FolderProblemCode.NOT_A_LIST: "must be a list, one item a hyphen",
    FolderProblemCode.BAD_TEXT: "too long, or holds a line break or a sign that hides the order of letters",
    FolderProblemCode.BAD_SLUG: "only small Latin letters, digits and single hyphens",
    FolderProblemCode.BAD_ZONE: "not a time zone such as Asia/Amman",
    FolderProblemCode.BAD_PRICE: "not a price such as 19.00",
    FolderProblemCode.NOT_THE_CURRENCY: "the shop sells in another currency (SHOP_CURRENCY)",
    FolderProblemCode.ONLY_IN_FIRST: "belongs in the file of the first language only",
    FolderProblemCode.CODE_TWICE: "two tariffs have this code",
    FolderProblemCode.UNKNOWN_TARIFF: "course.md has no such tariff",
    FolderProblemCode.NO_TARIFFS: "a course needs a tariff",
    FolderProblemCode.BAD_FILE_NAME: "not course.md, 01-name.md, 01-name.quiz.md, a language of them, or a plain name",
    FolderProblemCode.NUMBER_TWICE: "another lesson has this number",
    FolderProblemCode.SLUG_TWICE: "this name has another number too",
    FolderProblemCode.NO_LESSONS: "there are no lessons such as 01-name.md",
    FolderProblemCode.TYPE_NOT_KNOWN: "not a picture, video, sound or document that a lesson may have",
    FolderProblemCode.NAME_AND_TYPE: "its name says something else than what is in it",
    FolderProblemCode.TOO_LARGE: "too large (COURSE_FILE_MB)",
    FolderProblemCode.UNKNOWN_CATEGORY: "no such category in the shop",
    FolderProblemCode.TAKEN: "a product of the shop has this address",
    FolderProblemCode.NO_LESSON_OF_QUIZ: "there is no lesson of this number and name",
    FolderProblemCode.NOT_OF_A_QUIZ: "neither a question (##), nor an option or answer of its kind (- ( ), - [ ], =)",
    FolderProblemCode.NO_OPTIONS: "the question has no options and no accepted answers",
    FolderProblemCode.NOT_THE_SAME_QUIZ: "differs from the first language in questions, options, marks or points",
    FolderProblemCode.BAD_QUIZ: "not a question or setting that a quiz may have",
    TextProblem.EMPTY: "the lesson has no text",
    TextProblem.TOO_LONG: "the text is too long",
    TextProblem.UNKNOWN_FILE: "the folder has no such file",
    TextProblem.NOT_SHOWN: "a document can be linked, not shown",
    TextProblem.OUTSIDE_PICTURE: "pictures come from the folder, not from other sites",
    TextProblem.BAD_LINK: "links go to https, mailto and tg",
    TextProblem.HIDDEN_ORDER: "a sign that shows letters in another order than they are written",
}


@click.group("export")
def export_group() -> None:
    """Export what was made in the shop, as files that can be imported again."""


@import_group.command("course")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--apply", is_flag=True, help="Write the changes; without it nothing is written.")
@click.option("--delete-missing", is_flag=True, help="Delete lessons, tariffs and files that the folder lacks.")
def import_course(folder: Path, apply: bool, delete_missing: bool) -> None:
    """Create or change a course from FOLDER: course.md, lessons such as 01-name.md, and their media.

    English texts are in course.md and 01-name.md, others in course.ar.md, 01-name.ar.md and so on. The number is the
    lesson's place, the name its identity: students keep their progress while it stays. Changed texts move nobody's
    schedule. If anything is wrong, nothing is written.
    """

    async def work(services: Services) -> CourseReport:
        with progress(TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()) as bar:
            task = bar.add_task(folder.name, total=1)
            return await services.courses.authoring.import_folder(
                Actor.system(),
                folder,
                apply=apply,
                delete_missing=delete_missing,
                progress=lambda done, everything: bar.update(task, completed=done, total=max(everything, 1)),
            )

    report = with_services(work)
    for problem in report.problems:
        console.print(_line(problem), highlight=False, soft_wrap=True)
    _show(report)
    if report.problems:
        click.echo("Nothing was written: put the lines above right and try again.", err=True)
        raise SystemExit(FAILED)
    if report.moves_schedule:
        console.print(f"Schedules change: the next lesson of {report.moved} students comes at another time.")
    console.print("Written." if report.applied else "Nothing was written yet: --apply does it.")


@export_group.command("course")
@click.argument("slug")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_course(slug: str, folder: Path) -> None:
    """Write the course SLUG into FOLDER, which is new, empty, or holds an older export of it."""

    async def work(services: Services) -> int:
        return await services.courses.authoring.export_folder(Actor.system(), slug, folder)

    console.print(f"Wrote {with_services(work)} files.")


def _line(problem: FolderProblem) -> str:
    where = problem.file + (f":{problem.line}" if problem.line else "")
    field = f", {problem.field}" if problem.field else ""
    value = f" ({problem.value})" if problem.value else ""
    return f"[red]{escape(where + field)}[/]: {_WORDS[problem.code]}{escape(value)}"


def _show(report: CourseReport) -> None:
    if not report.changes:
        if not report.problems:
            console.print("No changes.")
        return
    table = Table("what", "name", "change", "fields")
    for change in report.changes[:_SHOWN_CHANGES]:
        action = "not in the folder, stays" if change.action is ChangeAction.MISSING else change.action.value
        table.add_row(change.kind.value, escape(change.ref), action, escape(", ".join(change.fields)))
    console.print(table)
    left = len(report.changes) - _SHOWN_CHANGES
    if left > 0:
        counts = Counter(change.action.value for change in report.changes[_SHOWN_CHANGES:])
        console.print(f"… and {left} more: " + ", ".join(f"{number} {name}" for name, number in counts.items()))
