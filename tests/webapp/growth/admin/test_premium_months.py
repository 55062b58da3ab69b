"""Months of premium from admins, on the page of a person."""

from __future__ import annotations

from datetime import UTC, datetime

from backend.bootstrap import Services
from tests.fakes.clock import FakeClock
from tests.webapp.conftest import MakeVisitor
from tests.webapp.sale import arrive


async def test_an_admin_gives_and_takes_months(services: Services, visitor: MakeVisitor, clock: FakeClock) -> None:
    clock.move(seconds=(datetime(2026, 12, 12, 9, 30, tzinfo=UTC) - clock.now()).total_seconds())
    person = await arrive(services, visitor(41))
    path, chief = f"/admin/people/{person.id}", visitor(services.settings.root_admin_id)
    assert "No premium" in (await chief.get(path)).text
    sheet = await chief.get(f"{path}/premium")
    assert ("Give months" in sheet.text, "Take months away" in sheet.text) == (True, True)
    silent = await chief.post(f"{path}/premium", data={"months": "3", "direction": "take", "reason": ""})
    assert (silent.status_code, silent.headers["hx-retarget"]) == (422, "#sheet")
    assert "Enter a reason." in silent.text
    assert 'value="3"' in silent.text
    given = await chief.post(f"{path}/premium", data={"months": "3", "reason": "Sorry for <b>that</b>"})
    assert "Until 12 Mar 2027" in given.text
    assert "Sorry for &lt;b&gt;that" in given.text
    assert "3 months" in given.text
    taken = await chief.post(f"{path}/premium", data={"months": "1", "direction": "take", "reason": "One too many"})
    assert "Until 12 Feb 2027" in taken.text
    for _ in range(2):
        full = await chief.post(f"{path}/premium", data={"months": "60", "reason": "A lot"})
    assert full.status_code == 422
    assert "last that long" in full.text
    assert (await chief.post(f"{path}/premium", data={"months": "61", "reason": "A lot"})).status_code == 422
    assert (await visitor(41).get(f"{path}/premium")).status_code == 403
