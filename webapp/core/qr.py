"""QR codes drawn into the page."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def draw(text: str) -> Markup:
    """``text`` as an SVG without colours or sizes of its own: the style sheet gives it both, and the paper around it.

    Error level M survives the logo that stands on its middle (a seventeenth of it) and leaves the modules large.
    Raises segno.DataOverflowError beyond 2,331 bytes.
    """
    drawn = io.BytesIO()
    segno.make_qr(text, error="m", boost_error=False).save(
        drawn,
        kind="svg",
        border=0,
        xmldecl=False,
        svgns=False,
        svgclass=None,
        lineclass="qr__code",
        omitsize=True,
        nl=False,
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - segno writes numbers only
