"""`python -m bot.simulator`: read the environment, serve on loopback until interrupted."""

import os
import sys

from backend.infra.settings import SettingsError
from backend.infra.starting import CannotStart, require_folder, require_port
from bot.simulator.config import ConfigError, config_from_env
from bot.simulator.server import run


def main() -> int:
    """Run the simulator; one line on stderr and exit code 2 for a wrong configuration, 1 for a port that is taken."""
    try:
        config = config_from_env(os.environ)
        require_port("SIMULATOR_PORT", config.host, config.port)
        if config.state_path is not None:
            require_folder("SIMULATOR_STATE", str(config.state_path.parent))
        run(config)
    except (ConfigError, SettingsError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    except CannotStart as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
