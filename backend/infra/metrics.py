"""Prometheus metrics, served on a port of their own.

One port serves one machine (or container). Where several processes share it, PROMETHEUS_MULTIPROC_DIR names a folder
that they share too (empty at the start): whichever of them holds the port answers for all, and when it ends another
takes the port over. Without that variable each process tells of itself only; the web process, whose workers are
processes that serve no port, makes a folder for itself and them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, make_server

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_TRY_AGAIN_SECONDS = 5.0
log = structlog.get_logger(__name__)

JOBS = Counter("souk_jobs", "Jobs run, by task and outcome (done, later, failed, dead).", ["task", "outcome"])
JOB_SECONDS = Histogram("souk_job_seconds", "How long a job's task ran.", ["task"])
OUTBOX_WAITING = Gauge("souk_outbox_waiting", "Jobs that are due and not done.", multiprocess_mode="livemostrecent")
OUTBOX_LAG = Gauge(
    "souk_outbox_lag_seconds", "Age of the oldest job that is due and not done.", multiprocess_mode="livemostrecent"
)
DEAD_LETTERS = Gauge("souk_dead_letters", "Jobs that failed for good.", multiprocess_mode="livemostrecent")
CRON_RUNS = Counter("souk_cron_runs", "Timers run, by name and outcome (done, failed).", ["cron", "outcome"])
MESSAGES = Counter("souk_messages", "Telegram messages, by kind and outcome.", ["kind", "outcome"])
WEBHOOKS = Counter("souk_webhooks", "Calls of payment providers, by method and outcome.", ["method", "outcome"])
NODE_FAULTS = Counter("souk_evm_node_faults", "EVM nodes that were not believed, by place and why.", ["place", "fault"])
DELIVERIES = Counter(
    "souk_lesson_deliveries", "Lessons whose message was settled, by state and why.", ["state", "reason"]
)
DELIVERIES_AMBIGUOUS = Counter(
    "souk_deliveries_ambiguous", "Lessons sent again without knowing whether the first message had arrived."
)
LESSON_LAG = Histogram(
    "souk_lesson_lag_seconds",
    "How long after it was due a lesson was sent.",
    buckets=(1, 2, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 604_800),
)
TELEGRAM_WAIT = Histogram(
    "souk_telegram_wait_seconds", "How long a message waited for Telegram's limits, by priority.", ["priority"]
)
TELEGRAM_LIMITED = Counter(
    "souk_telegram_limited",
    "Messages that could not go at once, by priority: postponed by us, or refused by Telegram (429).",
    ["priority", "outcome"],
)
READINGS = Counter(
    "souk_readings", "Texts of readings, by how they ended (model, built_in, failed, stopped).", ["outcome"]
)
MODEL_CALLS = Counter(
    "souk_model_calls", "Calls of the model, by how they ended: whole, paused, or a class of failure.", ["outcome"]
)
MODEL_FIRST_WORD = Histogram(
    "souk_model_first_word_seconds",
    "How long the model took for its first word.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 90),
)
MODEL_TOKENS = Counter("souk_model_tokens", "Tokens of the model, by side (prompt, completion).", ["side"])
UPDATES = Counter("souk_bot_updates", "Telegram updates, by outcome (handled, failed, repeated, unread).", ["outcome"])


_SHARED_DIR = "PROMETHEUS_MULTIPROC_DIR"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a scrape every few seconds would fill the log."""


def _registry() -> CollectorRegistry:
    if not os.environ.get(_SHARED_DIR):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _serve(app: WSGIApplication, port: int, host: str) -> None:
    said = False
    while True:
        try:
            with make_server(host, port, app, handler_class=_Quiet) as server:
                log.info("metrics.serving", host=host, port=port)
                server.serve_forever()
        except OSError as error:
            if not said:
                log.warning("metrics.port_taken", port=port, error=repr(error))
            said = True
        time.sleep(_TRY_AGAIN_SECONDS)


@contextlib.contextmanager
def counting_together() -> Iterator[None]:
    """Have the processes that are started in this context count for the one that starts them.

    They do so in a folder that is private to them, new and gone in the end, unless PROMETHEUS_MULTIPROC_DIR names one.
    """
    if os.environ.get(_SHARED_DIR):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="souk-metrics-") as folder:
        os.environ[_SHARED_DIR] = folder
        try:
            yield
        finally:
            del os.environ[_SHARED_DIR]


def serve_metrics(port: int, host: str) -> None:
    """Serve ``/metrics`` from a daemon thread; while another process holds the port, wait for it."""
    # Made here, not in the thread: a process that ends at once removes the folder that the registry reads.
    app = make_wsgi_app(_registry())
    threading.Thread(target=_serve, args=(app, port, host), name="metrics", daemon=True).start()
