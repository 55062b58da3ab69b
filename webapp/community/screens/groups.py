"""Groups in the back office: the list, one group with its plans and people, a change before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.community.types import (
    ChatKind,
    GroupDetail,
    GroupRow,
    MemberState,
    People,
    Person,
    Preview,
    Problem,
)
from backend.community.words import problem_words
from backend.courses.types.subjects import PlanSubject
from backend.kernel.text import Locale, pick
from webapp.core.parts import Chip, address
from webapp.core.rendering import Viewer

GROUPS = "/admin/groups"
_MOST_NAMES: Final = 10


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with the course that it is of; ``href`` asks what a change of it would do."""

    course: str
    plan: str
    students: int
    promises: bool
    href: str = ""


class GroupCell(msgspec.Struct, frozen=True, kw_only=True):
    """A group in the list; ``problems`` are in words."""

    href: str
    title: str
    kind: ChatKind
    problems: tuple[str, ...]
    plans: int
    inside: int
    waiting: int


class GroupsPage(msgspec.Struct, frozen=True, kw_only=True):
    """community/admin/groups.html: all groups, and the plans that promise one and open none."""

    groups: tuple[GroupCell, ...]
    promised: tuple[PlanView, ...]


class PersonCell(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a list of people; ``href`` is empty for who never came to the shop."""

    name: str
    href: str
    state: MemberState
    by_hand: bool
    at: datetime | None


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """community/admin/group.html: a group, its plans, and a list of its people."""

    path: str
    title: str
    kind: ChatKind
    members: int | None
    problems: tuple[str, ...]
    gone: bool
    has_link: bool
    plans: tuple[PlanView, ...]
    lists: tuple[Chip, ...]
    people: tuple[PersonCell, ...]
    shown: People
    counts: dict[str, int]
    next_url: str | None


class PlansSheet(msgspec.Struct, frozen=True, kw_only=True):
    """community/admin/_plans.html: the plans that could open a group."""

    plans: tuple[PlanView, ...]


class ChangeSheet(msgspec.Struct, frozen=True, kw_only=True):
    """community/admin/_change.html: who gains and loses by a change; ``more`` of each are not named."""

    action: str
    verb: Literal["link", "unlink"]
    group: str
    plan: str
    gain: tuple[str, ...]
    lose: tuple[str, ...]
    gains: int
    loses: int
    removed: int


def groups_page(rows: Sequence[GroupRow], promised: Sequence[PlanSubject], viewer: Viewer) -> GroupsPage:
    """The list."""
    return GroupsPage(
        groups=tuple(
            GroupCell(
                href=f"{GROUPS}/{row.group.id}",
                title=row.group.title,
                kind=row.group.kind,
                problems=_problems(row.problems, viewer) if row.plans or Problem.GONE in row.problems else (),
                plans=row.plans,
                inside=row.inside,
                waiting=row.waiting,
            )
            for row in rows
        ),
        promised=tuple(_plan(one, viewer.locale, f"/admin/courses/{one.course_id}") for one in promised),
    )


def group_page(
    detail: GroupDetail, people: Sequence[Person], shown: People, viewer: Viewer, *, page: int, full: bool
) -> GroupPage:
    """A group."""
    path = f"{GROUPS}/{detail.group.id}"
    return GroupPage(
        path=path,
        title=detail.group.title,
        kind=detail.group.kind,
        members=detail.group.members,
        problems=_problems(detail.problems, viewer),
        gone=Problem.GONE in detail.problems,
        has_link=detail.group.link is not None,
        plans=tuple(_plan(one, viewer.locale, f"{path}/plans/{one.tariff_id}") for one in detail.plans),
        lists=tuple(Chip(href=_people_href(path, one), active=one is shown, key=one.value) for one in People),
        people=tuple(
            PersonCell(
                name=one.name or str(one.telegram_id),
                href=f"/admin/people/{one.user_id}" if one.user_id is not None else "",
                state=one.state,
                by_hand=one.by_hand,
                at=one.at,
            )
            for one in people
        ),
        shown=shown,
        counts={one.value: count for one, count in detail.counts.items()},
        next_url=_people_href(path, shown, page + 1) if full else None,
    )


def plans_sheet(plans: Sequence[PlanSubject], path: str, viewer: Viewer) -> PlansSheet:
    """The plans that could be linked."""
    return PlansSheet(plans=tuple(_plan(one, viewer.locale, f"{path}/plans/{one.tariff_id}") for one in plans))


def change_sheet(preview: Preview, viewer: Viewer) -> ChangeSheet:
    """What a change does."""
    course, plan = pick(preview.plan.course, viewer.locale), pick(preview.plan.plan, viewer.locale)
    return ChangeSheet(
        action=f"{GROUPS}/{preview.group.id}/plans/{preview.plan.tariff_id}",
        verb="unlink" if preview.linked else "link",
        group=preview.group.title,
        plan=f"{course}: {plan}",
        gain=preview.gain[:_MOST_NAMES],
        lose=preview.lose[:_MOST_NAMES],
        gains=len(preview.gain),
        loses=len(preview.lose),
        removed=preview.removed,
    )


def _plan(one: PlanSubject, locale: Locale, href: str) -> PlanView:
    return PlanView(
        course=pick(one.course, locale),
        plan=pick(one.plan, locale),
        students=one.students,
        promises=one.promises_groups,
        href=href,
    )


def _problems(problems: Sequence[Problem], viewer: Viewer) -> tuple[str, ...]:
    return tuple(problem_words(one, viewer.words) for one in problems)


def _people_href(path: str, people: People, page: int = 0) -> str:
    return address(path, people=people.value if people is not People.INSIDE else None, page=str(page) if page else None)
