"""Settings of USDT, and their one-line errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from backend.infra.settings import Settings, SettingsError
from backend.kernel.clock import SystemClock
from backend.payments.gateways import usdt_evm, usdt_ton, usdt_tron
from backend.payments.gateways.http import HttpClient
from backend.payments.gateways.usdt_addresses import Addresses, ton_raw
from backend.payments.ports import PaymentProvider, ProviderKit, ProviderSpec
from backend.payments.service import configure
from backend.payments.types import SetupState
from tests.backend.payments.chains.conftest import TRON_XPUB
from tests.fakes.evm import XPUB

SPECS: Sequence[ProviderSpec] = (usdt_evm.SPEC, usdt_tron.SPEC, usdt_ton.SPEC)
EVM = {"usdt_evm_rpc_urls": "https://node.test/key", "usdt_evm_xpub": XPUB}
TRON = {"usdt_tron_xpub": TRON_XPUB}
TON = {"usdt_ton_address": "UQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_p0p"}
# Of the same words as the public ones.
XPRV = "xprv9yonZK18sg4GwoLT2HmbUTrGYM9twsS8QJmj26yL2vdRUUmHyBevibo54dbVDvbLKyUQ6LiyxAYHnxnFJC7VppnsC2b7zg5mUqHHFpRjN3y"
Settle = Callable[..., Settings]


def setup(settings: Settings, name: str) -> tuple[PaymentProvider | None, SetupState, str]:
    providers, setups = configure(SPECS, settings, ProviderKit(clock=SystemClock(), http=HttpClient()))
    (only,) = (item for item in setups if item.name == name)
    return next((item for item in providers if item.name == name), None), only.state, only.problem


def test_each_chain_is_off_by_itself_and_on_by_a_line_or_two(configured: Settle) -> None:
    for name, given in (("usdt_evm", EVM), ("usdt_tron", TRON), ("usdt_ton", TON)):
        assert setup(configured(), name)[1] is SetupState.OFF
        provider, state, problem = setup(configured(**given), name)
        assert (state, problem) == (SetupState.ON, "")
        assert provider is not None
        can = provider.capabilities
        assert (can.asset, can.unit_price, can.refundable) == ("USDT", Decimal(1), False)
        assert can.follow_seconds == 7 * 24 * 3600
    assert setup(configured(usdt_evm_xpub=XPUB), "usdt_evm")[1] is SetupState.INCOMPLETE


@pytest.mark.parametrize(
    ("name", "given", "there"),
    [
        ("usdt_evm", EVM, "https://etherscan.io/tx/{tx}"),
        ("usdt_evm", EVM | {"usdt_evm_chain_id": 56}, "https://bscscan.com/tx/{tx}"),
        ("usdt_evm", EVM | {"usdt_evm_chain_id": 5, "usdt_evm_contract": "0x" + "11" * 20, "usdt_evm_decimals": 6}, ""),
        ("usdt_tron", TRON, "https://tronscan.org/#/transaction/{tx}"),
        ("usdt_tron", TRON | {"usdt_tron_contract": "TJmmqjb1DK9TTZbQXzRQ2AuA94z4gKAPFh"}, ""),
        ("usdt_ton", TON, "https://tonviewer.com/transaction/{tx}"),
        ("usdt_ton", TON | {"usdt_ton_master": "0:" + "AB" * 32}, ""),
    ],
)
def test_the_explorer_is_the_main_networks(configured: Settle, name: str, given: dict[str, Any], there: str) -> None:
    provider, _, problem = setup(configured(**given), name)
    assert problem == ""
    assert provider is not None
    assert provider.capabilities.explorer == there


def test_the_price_is_asked_for_where_the_shop_does_not_count_in_dollars(configured: Settle) -> None:
    assert "USDT_PRICE" in setup(configured(shop_currency="EUR", **TRON), "usdt_tron")[2]
    provider, _, _ = setup(configured(shop_currency="EUR", usdt_price="0.92", **TRON), "usdt_tron")
    assert provider is not None
    assert provider.capabilities.unit_price == Decimal("0.92")
    for wrong in ("0", "-1", "NaN", "Infinity", "much", "1e9", "1e-9"):
        assert "USDT_PRICE" in setup(configured(usdt_price=wrong, **TRON), "usdt_tron")[2]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (EVM | {"usdt_evm_xpub": "xpub"}, "USDT_EVM_XPUB must be an account's"),
        (EVM | {"usdt_evm_xpub": XPUB[:-1] + "u"}, "USDT_EVM_XPUB must be an account's"),
        (EVM | {"usdt_evm_xpub": "кошелёк"}, "USDT_EVM_XPUB must be an account's"),
        (EVM | {"usdt_evm_chain_id": 137}, "USDT_EVM_CONTRACT must name"),
        (EVM | {"usdt_evm_contract": "0xdAC17F958D2ee523a2206206994597C13D831ec8"}, "USDT_EVM_CONTRACT is not"),
        (EVM | {"usdt_evm_contract": "0xdAC17F958D2ee523a2206206994597C13D831e"}, "USDT_EVM_CONTRACT is not"),
        (EVM | {"usdt_evm_contract": "0x" + "11" * 20}, "USDT_EVM_DECIMALS must be set"),
        (EVM | {"usdt_evm_decimals": 2}, "USDT_EVM_DECIMALS must be set"),
        (EVM | {"usdt_evm_confirmations": "0"}, "USDT_EVM_CONFIRMATIONS must be"),
        (EVM | {"usdt_evm_confirmations": "9" * 30}, "USDT_EVM_CONFIRMATIONS must be"),
        (EVM | {"usdt_evm_confirmations": "latest"}, "USDT_EVM_CONFIRMATIONS must be"),
        (EVM | {"usdt_evm_rpc_urls": "https://ok.test,wss://node.test"}, "USDT_EVM_RPC_URLS must start"),
        (EVM | {"usdt_evm_rpc_urls": " , "}, "USDT_EVM_RPC_URLS names no node"),
        (TRON | {"usdt_tron_url": "api.trongrid.io"}, "USDT_TRON_URL must start"),
        (TRON | {"usdt_tron_contract": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u"}, "USDT_TRON_CONTRACT is not"),
        (TRON | {"usdt_tron_contract": "0xdAC17F958D2ee523a2206206994597C13D831ec7"}, "USDT_TRON_CONTRACT is not"),
        (TON | {"usdt_ton_address": TON["usdt_ton_address"][:-1] + "q"}, "USDT_TON_ADDRESS is not"),
        (TON | {"usdt_ton_address": "EQ"}, "USDT_TON_ADDRESS is not"),
        (TON | {"usdt_ton_master": "0:12"}, "USDT_TON_MASTER is not"),
        (TON | {"usdt_ton_url": "ftp://toncenter.com"}, "USDT_TON_URL must start"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(configured: Settle, given: dict[str, str], expected: str) -> None:
    problems = [setup(configured(**given), spec.name)[2] for spec in SPECS]
    (problem,) = filter(None, problems)
    assert problem.startswith(expected)
    assert "\n" not in problem
    assert not any(value in problem for value in map(str, given.values()) if len(value) > 8)


def test_a_private_key_is_refused_and_not_repeated(configured: Settle) -> None:
    from bip_utils import Bip39SeedGenerator, Bip44, Bip44Changes, Bip44Coins

    words = "abandon " * 11 + "about"
    account = Bip44.FromSeed(Bip39SeedGenerator(words).Generate(), Bip44Coins.ETHEREUM).Purpose().Coin().Account(0)
    assert account.PublicKey().ToExtended() == XPUB
    private = account.PrivateKey().ToExtended()
    with pytest.raises(SettingsError, match="private key") as refused:
        Addresses(private, "ETHEREUM", "USDT_EVM_XPUB")
    assert private not in str(refused.value)
    below = account.Change(Bip44Changes.CHAIN_EXT).PublicKey().ToExtended()
    with pytest.raises(SettingsError, match="of an account"):
        Addresses(below, "ETHEREUM", "USDT_EVM_XPUB")
    # What the wallet with these words shows, for the first address and for one far ahead.
    branch = account.Change(Bip44Changes.CHAIN_EXT)
    ours = Addresses(XPUB, "ETHEREUM", "USDT_EVM_XPUB")
    for index in (0, 1, 123_456, 2**31 - 1):
        assert ours.at(index) == branch.AddressIndex(index).PublicKey().ToAddress()
    for index in (-1, 2**31):
        with pytest.raises(OverflowError):
            ours.at(index)


def test_the_first_addresses_of_the_known_words() -> None:
    assert Addresses(XPUB, "ETHEREUM", "X").at(0) == "0x9858EfFD232B4033E47d90003D41EC34EcaEda94"
    assert Addresses(TRON_XPUB, "TRON", "X").at(0) == "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"


def test_the_forms_of_a_ton_address_are_one() -> None:
    raw = "0:B113A994B5024A16719F69139328EB759596C38A25F59028B146FECDC3621DFE"
    friendly = "EQCxE6mUtQJKFnGfaROTKOt1lZbDiiX1kCixRv7Nw2Id_sDs"
    assert ton_raw(friendly) == ton_raw(raw.lower()) == ton_raw(TON["usdt_ton_address"]) == raw
    assert ton_raw(friendly.replace("_", "/")) == raw
    for wrong in ("", "0:", friendly[:-4], friendly + "AAAA", friendly.lower(), "1:" + raw[2:], "кошелёк"):
        with pytest.raises(ValueError, match="not a TON address"):
            ton_raw(wrong)
