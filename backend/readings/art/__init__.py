"""The deck's pictures, drawn by code: see decisions/0094."""

from backend.readings.art.deck import back_svg, card_svg
from backend.readings.art.palette import Palette

__all__ = ["Palette", "back_svg", "card_svg"]
