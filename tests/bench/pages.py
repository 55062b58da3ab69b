"""Pages of a signed-in person, 10,000 products, against a constant page of the same size from the same server."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator

import httpx

from backend.courses.types.schedule import Change, Verb
from backend.demo.load import load_demo_course
from backend.identity.types import Contact
from backend.infra.embedded import free_port
from backend.infra.settings import Settings
from tests.bench.app import COURSE, LESSON
from tests.bench.load import burst
from tests.bench.report import Row
from tests.bench.world import World
from tests.factories.catalog import category, import_rows
from tests.factories.courses import add_teacher
from tests.factories.init_data import init_data
from tests.processes import environment

CONNECTIONS = 16
SECONDS = 3.0
ROUNDS = 3
_WAIT_SECONDS = 30.0
_READER = 42
"""The Telegram account that looks at the pages."""


@contextlib.asynccontextmanager
async def server(settings: Settings) -> AsyncIterator[int]:
    """One worker of the server that production runs, with the bench's app; yields its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--port", str(port)]
    command += ["--no-log", "--workers", "1", "--factory", "tests.bench.app:app"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment(settings), stdout=output, stderr=output)
        try:
            await _answering(port, process)
            yield port
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)


async def _answering(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    async with httpx.AsyncClient() as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == httpx.codes.OK:
                    return
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the bench's web process did not start")
            await asyncio.sleep(0.1)


async def sign_in(port: int, token: str) -> dict[str, str]:
    """The headers of a person who has just opened the app."""
    login = init_data(token, time.time(), _READER)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.get("/shop", headers={"Authorization": f"tma {login}"})
        answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.headers['x-session-token']}", "HX-Request": "true"}


async def _page(world: World, name: str, path: str) -> Row:
    ours, theirs = await _rates(world, path, "/constant")
    return Row.of(name, ours, "1/s", theirs, "higher")


async def _rates(world: World, path: str, *others: str) -> list[float]:
    """Answers per second of a page, and of each of the others, which are constant and as large."""
    async with server(world.settings) as port:
        headers = await sign_in(port, world.settings.bot_token)
        warm = await burst(port, path, headers, connections=CONNECTIONS, seconds=1)
        rates: dict[str, list[float]] = {one: [] for one in (path, *(f"{other}/{warm.body_bytes}" for other in others))}
        for _ in range(ROUNDS):
            for one, measured in rates.items():
                result = await burst(port, one, headers, connections=CONNECTIONS, seconds=SECONDS)
                if result.failures:
                    raise RuntimeError(f"{result.failures} of {result.requests} answers of {one} were no 200")
                measured.append(result.rate)
    return [statistics.median(measured) for measured in rates.values()]


async def catalogue_page(world: World) -> Row:
    """A category's first page, as htmx asks for it."""
    return await _page(world, "catalogue_page", f"/shop?category={world.category}")


async def product_page(world: World) -> Row:
    """One product's page, as htmx asks for it."""
    return await _page(world, "product_page", f"/shop/{world.product}")


async def lesson_page(world: World) -> list[Row]:
    """A lesson of the demo's course, as one of its students reads it; nothing of it is shared between readers.

    Held against a constant page, and against one that asks the same statement before: what access that is looked up at
    each request costs alone.
    """
    services = world.services
    teacher = await add_teacher(services.uow)
    await import_rows(services.catalog, [category("skills")])
    await load_demo_course(services.courses.authoring, services.courses.courses)
    student = await services.identity.access.authenticate(Contact(telegram_id=_READER, first_name="Bench"))
    course = await services.courses.learning.view(student, COURSE)
    await services.courses.students.gift(teacher, student.id, course.tariffs[0].tariff.id, "bench")
    await services.courses.schedule.change(teacher, course.course_id, Change(verb=Verb.OPEN))
    path, after_statement = f"/learn/{COURSE}/{LESSON}", f"/constant/lesson/{student.id}"
    ours, theirs, with_statement = await _rates(world, path, "/constant", after_statement)
    return [
        Row.of("lesson_page", ours, "1/s", theirs, "higher"),
        Row.of("lesson_page_over_statement", ours, "1/s", with_statement, "higher"),
    ]
