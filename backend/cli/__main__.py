"""``python -m backend.cli`` is ``souk``, also where that program's first line cannot name its Python."""

from backend.cli.main import main

if __name__ == "__main__":
    main(prog_name="souk")
