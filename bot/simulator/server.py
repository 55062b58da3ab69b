"""Serving the simulator: one granian worker in this process, on loopback."""

import asyncio
import signal

from granian.constants import Interfaces
from granian.server.embed import Server

from bot.simulator.app import create_app
from bot.simulator.config import SimulatorConfig, check


async def serve(config: SimulatorConfig, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; raises `ConfigError` where the configuration is refused."""
    check(config)
    host = "127.0.0.1" if config.host == "localhost" else config.host
    app = create_app(config)
    server = Server(
        app, address=host, port=config.port, interface=Interfaces.ASGI, log_enabled=False,
        websockets=False,
    )  # fmt: skip
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        # Long polls and event streams would hold the server's shutdown up: end them first.
        await app.state.world.close()
        server.stop()  # type: ignore[no-untyped-call]
    await serving


def run(config: SimulatorConfig) -> None:
    """Serve until SIGINT or SIGTERM; raises `ConfigError` where the configuration is refused."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(config, stop)

    asyncio.run(main())
