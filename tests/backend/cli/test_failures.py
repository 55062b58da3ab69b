"""A command that cannot do its work says why in one line and ends with a code; nobody sees a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import click
import pytest
from click.testing import CliRunner, Result

from backend.bootstrap import Services
from backend.cli.frame import OneLineGroup, console
from backend.cli.main import main
from backend.infra.embedded import database_address
from tests.backend.cli.conftest import Souk
from tests.backend.infra.test_shop_currency import REFUSAL
from tests.factories.catalog import add_variant

Commands = Iterator[tuple[tuple[str, ...], click.Command]]


def commands(group: click.Group = main, above: tuple[str, ...] = ()) -> Commands:
    for name, command in group.commands.items():
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


def one_line(result: Result) -> str:
    """The line that the command ended with."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    line, end, more = result.stderr.partition("\n")
    assert (end, more) == ("\n", ""), result.stderr
    assert line.startswith("souk: ") and len(line) < 300
    return line.removeprefix("souk: ")


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*command, id=" ".join(command[0])) for command in commands()]
)
def test_every_command_explains_itself(words: tuple[str, ...], command: click.Command) -> None:
    for flag in ("-h", "--help"):
        result = CliRunner().invoke(main, [*words, flag])
        assert (result.exit_code, result.output.startswith("Usage: ")) == (0, True)
    assert command.help and command.help.split("\n\n")[0].rstrip().endswith("."), words
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, (words, option.name)


@pytest.mark.parametrize("words", [["migrate"], ["ledger", "verify"], ["keys", "rotate"]])
async def test_a_wrong_setting_is_named_with_2(souk: Souk, words: list[str]) -> None:
    missing = await souk(*words, SECRET_KEY="")
    assert (one_line(missing), missing.exit_code) == ("SECRET_KEY is not set; .env.example says what it is", 2)
    wrong = await souk(*words, MASTER_KEYS="k1:hunter2")
    assert one_line(wrong).startswith("MASTER_KEYS must be")
    assert "hunter2" not in wrong.output


@pytest.mark.parametrize("words", [["migrate"], ["ledger", "verify"], ["keys", "rotate"]])
@pytest.mark.parametrize(
    "address", ["postgresql://souk:hunter2@127.0.0.1:1/souk", "postgresql:///souk?host=/no/such/folder"]
)
async def test_the_database_cannot_be_reached(souk: Souk, words: list[str], address: str) -> None:
    result = await souk(*words, DATABASE_URL=address)
    assert one_line(result).startswith("no database connection")
    assert result.exit_code == 1
    assert "hunter2" not in result.output


@pytest.mark.parametrize("words", [["migrate"], ["ledger", "verify"], ["keys", "rotate"]])
async def test_a_database_that_is_not_there(souk: Souk, postgres_server: str, words: list[str]) -> None:
    result = await souk(*words, DATABASE_URL=database_address(postgres_server, "nowhere"))
    assert 'database "nowhere" does not exist' in one_line(result)
    assert result.exit_code == 1


async def test_a_database_without_tables(souk: Souk, postgres_server: str) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        await connection.execute("CREATE DATABASE bare")
        bare = database_address(postgres_server, "bare")
        for words in (["ledger", "verify"], ["keys", "rotate"]):
            result = await souk(*words, DATABASE_URL=bare)
            assert one_line(result).startswith("the database is not up to date: run `souk migrate`")
            assert result.exit_code == 1
    finally:
        await connection.execute("DROP DATABASE IF EXISTS bare WITH (FORCE)")
        await connection.close()


async def test_a_revision_that_nobody_wrote(souk: Souk) -> None:
    result = await souk("migrate", "--revision", "no_such_thing")
    assert "no_such_thing" in one_line(result)
    assert result.exit_code == 1


@pytest.mark.parametrize("words", [["migrate"], ["ledger", "verify"], ["keys", "rotate"]])
async def test_no_command_works_with_another_currency(souk: Souk, services: Services, words: list[str]) -> None:
    await add_variant(services.catalog)
    result = await souk(*words, SHOP_CURRENCY="EUR")
    assert (one_line(result), result.exit_code) == (REFUSAL, 2)


async def test_what_is_asked_wrongly_ends_with_2(souk: Souk, tmp_path: Path) -> None:
    for words in (["nothing"], ["migrate", "--nothing"], ["import", "stock", str(tmp_path)], ["demo", "--port", "x"]):
        result = await souk(*words)
        assert (result.exit_code, "Traceback" in result.output) == (2, False), words


def test_a_terminal_that_knows_ascii_only() -> None:
    @click.group(cls=OneLineGroup)
    def group() -> None:
        """As souk is."""

    @group.command()
    def say() -> None:
        console.print("ж!")

    said = CliRunner(charset="ascii").invoke(group, ["say"])
    assert (said.exit_code, said.output) == (0, "?!\n")


async def test_a_folder_that_cannot_be_made(souk: Souk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = await souk("demo", "--state", str(tmp_path / "file" / "state"))
    assert "Not a directory" in one_line(result)
    assert result.exit_code == 1
