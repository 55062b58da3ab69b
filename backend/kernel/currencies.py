"""The currencies of ISO 4217 that money is counted in today, with their decimals.

Source: ISO 4217, list one, without what has no decimals there (precious metals, units of account, XTS, XXX) and what
was withdrawn. CLDR, which Babel formats by, differs: it says what people use in shops (no decimals for IDR or LBP).
"""

from __future__ import annotations

from typing import Final

_BY_DECIMALS: Final[dict[int, str]] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP
    COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
    NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
    THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS: Final[dict[str, int]] = {code: places for places, codes in _BY_DECIMALS.items() for code in codes.split()}
"""Currency -> the digits of its minor unit."""

# What people hold in their hand for about a US dollar, as a power of ten; 1 for what is not named. Amounts that a shop
# suggests follow it, prices never do, so a year's inflation changes nothing that matters.
_UNITS: Final[dict[int, str]] = {
    10: """
    BOB BWP CNY CZK DKK EGP GHS GTQ HKD HNL HTG MAD MDL MOP MUR MVR MXN MZN NAD NIO NOK PHP SCR SEK SLE SRD STN SZL LSL
    THB TJS TRY TWD UAH UYU VES ZAR ZMW ZWG AFN
    """,
    100: """
    ALL AMD AOA BDT BTN CVE DJF DOP DZD ERN ETB GMD GYD HUF INR ISK JMD JPY KES KGS KMF KZT LKR LRD MKD NPR PKR RSD RUB
    SDG VUV XPF
    """,
    1000: "ARS BIF CDF CLP COP CRC IQD KHR KRW MGA MMK MNT MWK NGN RWF SOS SSP TZS UGX XAF XOF YER",
    10_000: "GNF IDR LAK PYG SYP UZS VND",
    100_000: "LBP",
    1_000_000: "IRR",
}
_UNIT: Final[dict[str, int]] = {code: unit for unit, codes in _UNITS.items() for code in codes.split()}
_LEADS: Final = (1, 2, 5)
_SUGGESTED: Final = (10, 25, 50, 100)


def usual_unit(currency: str) -> int:
    """A round number of whole units that buys roughly what one US dollar does: 1 for EUR, 10,000 for IDR."""
    return _UNIT.get(currency, 1)


def round_amounts(currency: str, least: int, most: int) -> tuple[int, ...]:
    """Up to four round amounts from ``least`` to ``most`` to choose from, all in whole units of the currency."""
    usual = [unit * usual_unit(currency) for unit in _SUGGESTED]
    fitting = [amount for amount in usual if least <= amount <= most]
    if len(fitting) > 1:
        return tuple(fitting)
    powers = (10**power for power in range(len(str(most))))
    rounded = [lead * power for power in powers for lead in _LEADS if least <= lead * power <= most]
    # The lower ones: a range is usually wide at its upper end, and people begin small.
    return tuple(rounded[:4] or [least])
