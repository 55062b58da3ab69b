"""Addresses of EVM chains, TRON and TON: derived from public keys, and read with their checksums."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final
from urllib.parse import urlsplit

from backend.infra.settings import SettingsError

_INDEXES: Final = 2**31
_EVM: Final = re.compile("0x[0-9a-fA-F]{40}")
_TRON: Final = re.compile("T[1-9A-HJ-NP-Za-km-z]{33}")
_TON_RAW: Final = re.compile("(-1|0):([0-9a-fA-F]{64})")
_TON_FRIENDLY_BYTES: Final = 36
# Source: TEP-2; bounceable, non-bounceable, and the same for test networks.
_TON_TAGS: Final = frozenset({0x11, 0x51, 0x91, 0xD1})


class Addresses:
    """An address for each payment, from an account's extended public key (BIP-44), at ``0/index`` below it.

    Raises SettingsError, which names ``variable`` and repeats nothing of it.
    """

    def __init__(self, xpub: str, coin: str, variable: str) -> None:
        # A quarter of a second, and only for shops that take coins.
        from bip_utils import Bip44, Bip44Changes, Bip44Coins, Bip44Levels  # noqa: PLC0415 - see above

        try:
            account: Any = Bip44.FromExtendedKey(xpub, Bip44Coins[coin])
            private, level = not account.IsPublicOnly(), account.Level()
        except Exception:  # the library has an exception of its own for everything
            raise SettingsError(f"{variable} must be an account's extended public key (xpub…)") from None
        if private:
            raise SettingsError(f"{variable} is a private key, which has no place on a server: give the public one")
        if level != Bip44Levels.ACCOUNT:
            raise SettingsError(f"{variable} must be the key of an account, such as m/44'/60'/0', not of one below it")
        self._branch = account.Change(Bip44Changes.CHAIN_EXT)

    def at(self, index: int) -> str:
        """The ``index``-th address, with its checksum. Raises OverflowError from 2³¹ on."""
        if not 0 <= index < _INDEXES:
            raise OverflowError("no such index of an address")
        return str(self._branch.AddressIndex(index).PublicKey().ToAddress())


def evm_address(text: str, variable: str) -> str:
    """``text`` as an EVM address. Raises SettingsError; mixed case must be its checksum (EIP-55)."""
    from bip_utils import EthAddrDecoder  # noqa: PLC0415 - see Addresses

    if _EVM.fullmatch(text):
        single_case = text[2:] in {text[2:].lower(), text[2:].upper()}
        try:
            EthAddrDecoder.DecodeAddr(text, skip_chksum_enc=single_case)
        except ValueError:
            pass
        else:
            return text
    raise SettingsError(f"{variable} is not an address, or has a mistake in it")


def tron_address(text: str, variable: str) -> str:
    """``text`` as a TRON address. Raises SettingsError, also for a wrong checksum."""
    from bip_utils import TrxAddrDecoder  # noqa: PLC0415 - see Addresses

    if _TRON.fullmatch(text):
        try:
            TrxAddrDecoder.DecodeAddr(text)
        except ValueError:
            pass
        else:
            return text
    raise SettingsError(f"{variable} is not a TRON address, or has a mistake in it")


def ton_raw(text: str) -> str:
    """A TON address of any form as ``workchain:HEX``. Raises ValueError, also for a wrong checksum."""
    if match := _TON_RAW.fullmatch(text):
        return f"{match[1]}:{match[2].upper()}"
    try:
        # Both alphabets are in use.
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raw = b""
    crc = binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "big")
    if len(raw) != _TON_FRIENDLY_BYTES or raw[0] not in _TON_TAGS or crc != raw[-2:] or raw[1] not in {0, 255}:
        raise ValueError("not a TON address")
    workchain = -1 if raw[1] else 0
    return f"{workchain}:{raw[2:34].hex().upper()}"


def base_url(text: str, variable: str) -> str:
    """``text`` as an address of a server, without a slash at its end. Raises SettingsError."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError(f"{variable} must start with https:// (or http://)")
    return text.rstrip("/")
