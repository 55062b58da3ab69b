"""The web process goes away, comes back, moves: what people see of it through Caddy."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TypeGuard

import httpx

from tests.deployment.caddy import MakeSite, Names, Site, upstream, wait_until


def _is_sale(answer: httpx.Response | Exception) -> TypeGuard[httpx.Response]:
    return isinstance(answer, httpx.Response) and answer.request.method == "POST" and answer.status_code == 200


def test_a_restart_is_not_noticed(site: Site, form: bytes) -> None:
    """Web is restarted while people continue to buy and browse: nobody sees an error, nothing twice.

    But for a rare purchase: a POST that was on its way to the closing process is not sent again by Caddy, which says so
    with a 503. It was not taken, and may be repeated.
    """
    answers: list[httpx.Response | Exception] = []
    ended = threading.Event()

    def person(number: int) -> None:
        with site.client() as client:
            while not ended.is_set():
                try:
                    answers.append(client.post("/buy", content=form) if number % 2 else client.get("/shop"))
                except httpx.HTTPError as error:
                    answers.append(error)
                time.sleep(0.005)

    people = [threading.Thread(target=person, args=(number,), daemon=True) for number in range(6)]
    for thread in people:
        thread.start()

    def served_by(processes: int) -> None:
        """Wait until so many processes, one after the other, have sold something."""
        deadline = time.monotonic() + 30
        while len({a.json()["process"] for a in list(answers) if _is_sale(a)}) < processes:
            assert time.monotonic() < deadline, answers[-3:]
            time.sleep(0.02)

    try:
        served_by(1)
        for number in (2, 3):
            site.web.stop()
            time.sleep(0.7)
            site.web.start(site.web_port)
            served_by(number)
    finally:
        ended.set()
    for thread in people:
        thread.join()

    assert [item for item in answers if isinstance(item, Exception)] == []
    responses = [item for item in answers if isinstance(item, httpx.Response)]
    looked = {answer.status_code for answer in responses if answer.request.method == "GET"}
    tried = [answer for answer in responses if answer.request.method == "POST"]
    refused = [answer.status_code for answer in tried if answer.status_code != 200]
    assert looked == {200}
    assert refused in ([], [503], [503, 503])
    bought = [answer.json() for answer in tried if answer.status_code == 200]
    numbers: dict[int, list[int]] = {}
    for one in bought:
        numbers.setdefault(one["process"], []).append(one["number"])
    assert len(numbers) == 3
    for of_process in numbers.values():
        # Each process counts what it gets. A number that nobody was told would be a purchase that was made twice.
        first = min(of_process)
        assert sorted(of_process) == list(range(first, first + len(of_process)))


def test_somebody_waits_for_the_web_process_to_come(make_site: MakeSite, form: bytes) -> None:
    site = make_site()
    answers: list[httpx.Response] = []

    def person() -> None:
        with site.client() as client:
            answers.append(client.post("/buy", content=form))

    waiting = threading.Thread(target=person, daemon=True)
    waiting.start()
    wait_until(lambda: site.waiting() == 1)
    assert not answers
    site.web.start(site.web_port)
    waiting.join(20)

    received = answers[0].json()
    assert (received["path"], received["number"], received["length"]) == ("/buy", 1, len(form))


def test_when_nobody_comes_a_page_says_so_and_the_log_keeps_secrets(make_site: MakeSite) -> None:
    site = make_site(RETRY_FOR="1s")
    with site.client() as client:
        answer = client.get(
            "/media/x.webp?sig=TOPSECRET-1",
            headers={"Authorization": "Bearer TOPSECRET-2", "X-Session-Token": "TOPSECRET-3", "Cookie": "TOPSECRET-4"},
        )

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "We will be back in a moment" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    site.stop()
    log = site.caddy.output.read_text()
    assert "serving initial configuration" in log
    assert "TOPSECRET" not in log


NAMED = {"WEB_HOST": "web.test."}


def test_every_replica_is_used_and_one_that_stops_is_passed_over(
    make_site: MakeSite, names: Names, tmp_path: Path, form: bytes
) -> None:
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    site = make_site(**NAMED, LOOKUP_EVERY=f"1s\nresolvers udp/127.0.0.1:{names.port}")
    other = upstream(site.web_port, tmp_path / "other.log", "web-2", "127.0.0.2")
    site.web.start(site.web_port)
    try:
        other.start(site.web_port, host="127.0.0.2")
        assert {site.get("/shop").headers["x-upstream"] for _ in range(40)} == {"web", "web-2"}
    finally:
        other.stop()

    # The name still stands for both.
    with site.client() as client:
        answers = [client.post("/buy", content=form) for _ in range(20)]
    assert {(answer.status_code, answer.headers["x-upstream"]) for answer in answers} == {(200, "web")}


def test_a_container_that_comes_back_elsewhere_is_found(
    make_site: MakeSite, names: Names, tmp_path: Path, form: bytes
) -> None:
    """As Docker restarts a service: its name is gone, then it stands for another address that does not answer yet."""
    names.addresses = ["127.0.0.1"]
    site = make_site(**NAMED, LOOKUP_EVERY=f"1s\nresolvers udp/127.0.0.1:{names.port}")
    site.web.start(site.web_port)
    assert site.get("/shop").headers["x-upstream"] == "web"
    other = upstream(site.web_port, tmp_path / "other.log", "web-2", "127.0.0.2")
    answers: list[httpx.Response] = []

    def person() -> None:
        with site.client() as client:
            answers.append(client.post("/buy", content=form))

    try:
        site.web.stop()
        names.addresses = []
        waiting = [threading.Thread(target=person, daemon=True) for _ in range(5)]
        for one in waiting:
            one.start()
        wait_until(lambda: site.waiting() == len(waiting))
        names.move()
        names.move("127.0.0.2")
        assert not answers
        other.start(site.web_port, host="127.0.0.2")
        for one in waiting:
            one.join(20)
    finally:
        other.stop()

    assert [answer.status_code for answer in answers] == [200] * 5
    assert sorted(answer.json()["number"] for answer in answers) == [1, 2, 3, 4, 5]
