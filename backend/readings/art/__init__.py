"""The deck's pictures, drawn by code: see decisions/0094."""

from backend.readings.art.deck import back_svg, card_svg

__all__ = ["back_svg", "card_svg"]
