"""When lessons come, on every clock of the world."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.courses.rules.schedule import Plan, find_zone, first_moment, in_window, joins_late, local_date, zone_of
from backend.courses.types import LateRule, ScheduleMode

UTC_ZONE = zoneinfo.ZoneInfo("UTC")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# school-readings.md A.2: the zone, the wall time asked for, when the lesson comes in UTC, what the clock shows then.
@pytest.mark.parametrize(("zone", "local", "at", "shown"), [
    ("Europe/Berlin", "2027-03-28 02:30", "2027-03-28 01:30", "2027-03-28 03:30"),
    ("Europe/Berlin", "2027-10-31 02:30", "2027-10-31 00:30", "2027-10-31 02:30"),
    ("America/New_York", "2027-03-14 02:30", "2027-03-14 07:30", "2027-03-14 03:30"),
    ("America/New_York", "2027-11-07 01:30", "2027-11-07 05:30", "2027-11-07 01:30"),
    ("Africa/Cairo", "2027-04-30 00:30", "2027-04-29 22:30", "2027-04-30 01:30"),
    ("Africa/Cairo", "2027-10-28 23:30", "2027-10-28 20:30", "2027-10-28 23:30"),
    ("Asia/Beirut", "2027-03-28 00:15", "2027-03-27 22:15", "2027-03-28 01:15"),
    ("Europe/Kyiv", "2027-03-28 03:30", "2027-03-28 01:30", "2027-03-28 04:30"),
    ("Australia/Lord_Howe", "2027-04-04 01:45", "2027-04-03 14:45", "2027-04-04 01:45"),
    ("Pacific/Apia", "2011-12-30 09:00", "2011-12-30 19:00", "2011-12-31 09:00"),
    ("Asia/Amman", "2027-03-26 00:30", "2027-03-25 21:30", "2027-03-26 00:30"),
    ("Asia/Tehran", "2027-03-22 00:30", "2027-03-21 21:00", "2027-03-22 00:30"),
    ("Europe/Moscow", "2027-03-28 02:30", "2027-03-27 23:30", "2027-03-28 02:30"),
    ("Africa/Casablanca", "2027-07-01 10:00", "2027-07-01 10:00", "2027-07-01 10:00"),
])  # fmt: skip
def test_the_clock_table(zone: str, local: str, at: str, shown: str) -> None:
    """Each day of the table comes once, at that moment, in a plan of 30 days around it as well."""
    wall, there = datetime.fromisoformat(local), zoneinfo.ZoneInfo(zone)
    assert first_moment(wall, there) == moment(at)
    assert moment(at).astimezone(there).replace(tzinfo=None) == datetime.fromisoformat(shown)
    start = first_moment(wall - timedelta(days=15), there)
    plan = Plan(mode=ScheduleMode.LOCAL_HOUR, started_at=start, zone=zone, local_minute=wall.hour * 60 + wall.minute)
    slots = _delivered(plan, 30)
    assert slots.count(moment(at)) == 1


def _delivered(plan: Plan, count: int) -> list[datetime]:
    """The slots as a worker that is always on time takes them: no second lesson on a local date."""
    slots: list[datetime] = []
    for number in range(1, count + 1):
        if slots:
            plan, at = plan.not_before(number, plan.day_of(slots[-1]) + timedelta(days=1))
        else:
            at = plan.slot(number)
        assert at is not None
        slots.append(at)
    return slots


def test_the_day_that_samoa_left_out_has_no_second_lesson() -> None:
    there = zoneinfo.ZoneInfo("Pacific/Apia")
    plan = Plan(
        mode=ScheduleMode.LOCAL_HOUR, started_at=first_moment(datetime(2011, 12, 28, 9), there), zone=there.key,
        local_minute=540,
    )  # fmt: skip
    days = [local_date(at, there).day for at in _delivered(plan, 5)]
    assert days == [28, 29, 31, 1, 2]


ZONES = st.sampled_from(sorted(zoneinfo.available_timezones()))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2036, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(ZONES, MOMENTS, st.integers(0, 1439), st.integers(-3000, 3000))
@settings(max_examples=150, deadline=None)
def test_one_lesson_a_local_date_in_order_at_the_hour(zone: str, start: datetime, minute: int, shift: int) -> None:
    there = zoneinfo.ZoneInfo(zone)
    plan = Plan(mode=ScheduleMode.LOCAL_HOUR, started_at=start, zone=zone, local_minute=minute, shift_minutes=shift)
    slots = _delivered(plan, 14)
    days = [local_date(at, there) for at in slots]
    assert slots == sorted(slots)
    assert len(set(days)) == len(days)
    usual = (minute + shift) % 1440
    for at in slots[1:]:
        wall = at.astimezone(there)
        on_the_wall = wall.replace(tzinfo=None, fold=0)
        asked = wall.hour * 60 + wall.minute
        # At its hour, or where that does not exist, shown later by as much as the clocks went forward.
        exists = asked == usual or at != first_moment(on_the_wall, there) or _in_gap(at, there)
        assert exists, (at, wall, usual)
        assert at == first_moment(on_the_wall, there)


def _in_gap(at: datetime, zone: zoneinfo.ZoneInfo) -> bool:
    before, after = (at - timedelta(hours=25)).astimezone(zone), at.astimezone(zone)
    return before.utcoffset() != after.utcoffset()


@given(ZONES, MOMENTS, st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_every_24_hours_knows_no_clock(zone: str, start: datetime, number: int) -> None:
    plan = Plan(mode=ScheduleMode.EVERY_24H, started_at=start, zone=zone, local_minute=600)
    assert plan.slot(number) == start + (number - 1) * timedelta(hours=24)


def test_the_first_lesson_comes_at_the_start_and_the_second_on_the_next_date() -> None:
    start = moment("2027-01-10 22:50")  # 23:50 in Berlin
    plan = Plan(mode=ScheduleMode.LOCAL_HOUR, started_at=start, zone="Europe/Berlin", local_minute=600)
    assert [plan.slot(number) for number in (1, 2, 3)] == [
        start, moment("2027-01-11 09:00"), moment("2027-01-12 09:00"),
    ]  # fmt: skip


def test_some_days_after_the_one_before_is_completed() -> None:
    start = moment("2027-03-26 12:00")
    plan = Plan(
        mode=ScheduleMode.AFTER_COMPLETION, started_at=start, zone="Europe/Berlin", local_minute=600, interval_days=2
    )
    assert plan.slot(1) == start
    assert plan.slot(2) is None
    # Completed at half past midnight of the 28th in Berlin; two dates later it is summer there.
    assert plan.slot(2, moment("2027-03-27 23:30")) == moment("2027-03-30 08:00")


@pytest.mark.parametrize("days", [1, -1, 30])
def test_a_shift_by_days_stays_at_the_hour_across_a_change_of_clocks(days: int) -> None:
    plan = Plan(
        mode=ScheduleMode.LOCAL_HOUR, started_at=moment("2027-03-20 09:00"), zone="Europe/Berlin", local_minute=600,
        shift_minutes=days * 1440,
    )  # fmt: skip
    for number in range(2, 30):
        at = plan.slot(number)
        assert at
        assert at.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).hour == 10


def cohort(zone: str = "Europe/Berlin") -> Plan:
    return Plan(
        mode=ScheduleMode.COHORT, started_at=moment("2027-03-09 23:00"), zone=zone, local_minute=600,
        starts_on=date(2027, 3, 10),
    )  # fmt: skip


@pytest.mark.parametrize(("now", "late", "opened", "next_at"), [
    ("2027-03-01 12:00", LateRule.ONE_A_DAY, 0, "2027-03-10 09:00"),  # before the start
    ("2027-03-10 08:59", LateRule.ALL_AT_ONCE, 0, "2027-03-10 09:00"),  # on the day
    ("2027-03-14 12:00", LateRule.ALL_AT_ONCE, 5, "2027-03-15 09:00"),
    ("2027-03-14 12:00", LateRule.FROM_TODAY, 4, "2027-03-14 09:00"),  # today's is due at once
    ("2027-03-14 08:00", LateRule.FROM_TODAY, 4, "2027-03-14 09:00"),  # today's comes in an hour
    ("2027-03-14 12:00", LateRule.ONE_A_DAY, 0, "2027-03-14 12:00"),
])  # fmt: skip
def test_joining_a_cohort(now: str, late: LateRule, opened: int, next_at: str) -> None:
    plan, count = joins_late(late, cohort(), moment(now), 10)
    assert count == opened
    assert plan.slot(count + 1) == moment(next_at)


def test_a_cohort_starts_at_one_moment_for_everybody() -> None:
    assert cohort("America/New_York").slot(1) == moment("2027-03-10 15:00")
    assert cohort("Asia/Tokyo").slot(1) == moment("2027-03-10 01:00")


def test_as_few_days_as_needed_bring_a_slot_to_today() -> None:
    plan = Plan(
        mode=ScheduleMode.LOCAL_HOUR, started_at=moment("2027-01-01 09:00"), zone="Europe/Berlin", local_minute=600
    )
    later, at = plan.not_before(5, date(2027, 1, 20))
    assert (later.shift_minutes, at) == (15 * 1440, moment("2027-01-20 09:00"))
    assert plan.not_before(5, date(2027, 1, 3)) == (plan, moment("2027-01-05 09:00"))


@pytest.mark.parametrize("name", ["", None, "GMT+3", "../etc/passwd", "Etc/Unknown", "/etc/passwd", "UTC\0", "Factory"])
def test_an_unknown_zone_is_the_courses(name: str | None) -> None:
    assert find_zone(name) is None
    zone, known = zone_of(name, "Asia/Riyadh")
    assert (zone.key, known) == ("Asia/Riyadh", False)
    assert zone_of(name, "nowhere")[0].key == "UTC"


@pytest.mark.parametrize("name", ["Europe/Kiev", "Asia/Calcutta", "UTC", "Etc/GMT+3", "Asia/Riyadh"])
def test_known_zones_and_their_old_names(name: str) -> None:
    assert zone_of(name, "Asia/Riyadh") == (zoneinfo.ZoneInfo(name), True)


@pytest.mark.parametrize(("minute", "start", "end", "inside"), [
    (600, 480, 1200, True), (480, 480, 1200, True), (1200, 480, 1200, True), (479, 480, 1200, False),
    (10, 1320, 120, True), (1400, 1320, 120, True), (600, 1320, 120, False),
    (600, None, None, False), (1440, 0, 1439, False), (-1, 0, 1439, False),
])  # fmt: skip
def test_the_window_in_which_students_move_their_hour(
    minute: int, start: int | None, end: int | None, inside: bool
) -> None:
    assert in_window(minute, start, end) is inside
