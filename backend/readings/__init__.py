"""The reading room: tarot spreads drawn so that anyone can check the draw, and interpreted for credits."""
