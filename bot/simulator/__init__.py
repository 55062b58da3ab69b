"""A local Telegram for Souk: Bot API over HTTP, a page with the chat, the Mini App in a phone frame.

Nothing of the product imports this package; it serves the demo and the tests, and refuses production.
"""

from bot.simulator.app import create_app
from bot.simulator.config import ConfigError, SimulatorConfig, config_from_env
from bot.simulator.server import run

__all__ = ["ConfigError", "SimulatorConfig", "config_from_env", "create_app", "run"]
