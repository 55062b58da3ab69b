"""`python -m bot.simulator`: read the environment, serve on loopback until interrupted."""

import os
import sys

from bot.simulator.config import ConfigError, config_from_env
from bot.simulator.server import run


def main() -> int:
    """Run the simulator; one line on stderr and exit code 2 where the configuration is refused."""
    try:
        config = config_from_env(os.environ)
        run(config)
    except ConfigError as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
