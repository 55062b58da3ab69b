"""``souk courses``: maintain what is planned for students."""

from __future__ import annotations

import click

from backend.cli.frame import console, with_services
from backend.courses.types.schedule import Outcome


@click.group()
def courses() -> None:
    """Maintain the schedules of courses."""


@courses.command()
@click.option("--dry-run", is_flag=True, help="Only show which lessons would move.")
def replan(dry_run: bool) -> None:
    """Compute the next lessons again after an update of the time zones' rules (the tzdata package).

    Only students whose next lesson was planned with another version can change.
    """
    outcome = with_services(lambda services: services.courses.schedule.replan(dry_run=dry_run))
    console.print(described(outcome, dry_run=dry_run), highlight=False)


def described(outcome: Outcome, *, dry_run: bool) -> str:
    """What a new plan does to how many students, a line for each difference."""
    verb = "would move" if dry_run else "moved"
    lines = [f"{outcome.students:,} students were planned with another version of the time zones."]
    lines += [f"{count:,} students {verb} by {_by(minutes)}" for minutes, count in sorted(outcome.moved.items())]
    if not outcome.moved:
        lines.append("No lesson moves." if outcome.students else "Nothing to do.")
    return "\n".join(lines)


def _by(minutes: int) -> str:
    """ "+1 day", "-60 minutes"."""
    days, rest = divmod(abs(minutes), 1440)
    sign = "+" if minutes > 0 else "-"
    if days and not rest:
        return f"{sign}{days} {'day' if days == 1 else 'days'}"
    return f"{sign}{abs(minutes):,} {'minute' if abs(minutes) == 1 else 'minutes'}"
