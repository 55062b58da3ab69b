"""Two web processes on one database: what an admin does in one holds in the other at once."""

from __future__ import annotations

import time

import httpx

from tests.bot.telegram import NADIA
from tests.resilience.ground import Ground
from tests.resilience.processes import until
from tests.webapp.client import Visitor

_AT_ONCE = 10.0
"""Seconds. Without a signal it would take a minute: so long a session is believed without a look."""


async def refused(visitor: Visitor, code: str, since: float) -> float:
    """Seconds until the visitor's session is refused with ``code``."""

    async def is_refused() -> bool:
        answer = await visitor.get("/api/v1/me", html=False)
        assert answer.status_code in {200, 401}
        return answer.status_code == 401 and answer.headers["x-error-code"] == code

    await until(is_refused, 20)
    return time.monotonic() - since


async def test_a_session_ends_in_every_process(ground: Ground) -> None:
    one, two = ground.web, ground.another_web()
    one.start()
    two.start()
    await one.ready()
    await two.ready()
    root = await ground.visitor(NADIA, one, first_name="Nadia")
    buyer, helper = await ground.buyer(), await ground.buyer()
    there = await ground.visitor(buyer.actor.telegram_id, two, first_name=buyer.actor.first_name)
    helper_there = await ground.visitor(helper.actor.telegram_id, two, first_name=helper.actor.first_name)

    async def post(path: str, **form: str) -> httpx.Response:
        answer = await root.post(path, data=form)
        assert answer.status_code == 200, answer.text
        return answer

    for visitor in (there, helper_there):
        for _ in range(3):  # by initData, by token, by token from memory
            assert (await visitor.get("/api/v1/me", html=False)).status_code == 200

    # Rights: the old session is over at once, the new one has them.
    begun = time.monotonic()
    await post(f"/admin/admins/{helper.actor.id}", permission_users="on")
    assert await refused(helper_there, "session_expired", begun) < _AT_ONCE
    helper_there.token = None
    assert (await helper_there.get("/api/v1/me", html=False)).json()["permissions"] == ["users"]
    assert (await helper_there.get("/admin/people")).status_code == 200

    # And back: the room is closed at once.
    begun = time.monotonic()
    answer = await root.ask("DELETE", f"/admin/admins/{helper.actor.id}")
    assert answer.status_code == 200
    assert await refused(helper_there, "session_expired", begun) < _AT_ONCE
    helper_there.token = None
    assert (await helper_there.get("/admin/people")).status_code == 403

    # Blocked: neither the session nor fresh initData gives access.
    begun = time.monotonic()
    await post(f"/admin/people/{buyer.actor.id}/block", reason="fraud")
    assert await refused(there, "blacklisted", begun) < _AT_ONCE
    there.token = None
    assert (await there.get("/api/v1/me", html=False)).headers["x-error-code"] == "blacklisted"
    await post(f"/admin/people/{buyer.actor.id}/unblock")
    assert (await there.get("/api/v1/me", html=False)).status_code == 200
