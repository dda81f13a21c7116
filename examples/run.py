"""Runs an example: loads other people's files, runs the ten workflows under its overlay, prints its figures.

    python examples/run.py NAME --data FOLDER [--state DIR] [words for tdlocal run …]
    python examples/run.py NAME --figures        only the figures, of a run that is done

An example is a folder with load.yml (what is loaded), overlay/ (what is laid over the pack) and example.yml:
sub, session, and figures: layer → figure → a query with one value. Every layer must have the same figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tdlocal.errors import KitError
from tdlocal.files.upload import Upload
from tdlocal.local_server import local_account

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Return 0 when the run ended well and the figures are the same in every layer, else 1."""
    parser = argparse.ArgumentParser(description="Run an example of the pack.")
    parser.add_argument("name", choices=sorted(path.parent.name for path in HERE.glob("*/example.yml")))
    parser.add_argument("--data", type=Path, help="folder of the example's files")
    parser.add_argument("--state", type=Path, help="the account's folder (default .tdlocal/<name>)")
    parser.add_argument("--figures", action="store_true", help="print the figures of a run that is done")
    arguments, words = parser.parse_known_args()
    folder = HERE / arguments.name
    state = arguments.state or HERE.parent / ".tdlocal" / arguments.name
    example = yaml.safe_load((folder / "example.yml").read_text(encoding="utf-8"))
    if not arguments.figures:
        if arguments.data is None or not arguments.data.is_dir():
            readme = f"examples/{arguments.name}/README.md"
            print(f"name the folder of the files with --data; {readme} says what is in it", file=sys.stderr)
            return 1
        if not run(folder, example, arguments.data.resolve(), state.resolve(), words):
            return 1
    return print_figures(example, state)


def run(folder: Path, example: dict[str, Any], data: Path, state: Path, words: list[str]) -> bool:
    """Load the files and run all workflows, with their own output; return whether both ended well."""
    kit = [sys.executable, "-m", "tdlocal.cli"]
    session, overlay = str(example["session"]), str(folder / "overlay")
    commands = (
        ["load", "--list", str(folder / "load.yml"), "--data", str(data), "--sub", example["sub"]],
        ["run", "wf00_orchestration", "--session", session, "--rerun", "--overlay", overlay, *words],
    )
    for command in commands:
        done = subprocess.run([*kit, *command, "--state", str(state)], cwd=HERE.parent)
        if done.returncode:
            return False
    return True


def print_figures(example: dict[str, Any], state: Path) -> int:
    """Print the figures of every layer; return 0 when they agree, and with `expected`."""
    with local_account(state) as server:
        found = read(Upload(server.url, server.key), example)
    expected = {figure: str(value) for figure, value in example.get("expected", {}).items()}
    figures = list(dict.fromkeys(figure for layer in found.values() for figure in layer))
    width = max(len(figure) for figure in figures) + 2
    print(" " * width + "".join(f"{layer:>16}" for layer in found))
    for figure in figures:
        print(f"{figure:{width}}" + "".join(f"{layer.get(figure, ''):>16}" for layer in found.values()))
    values = {figure: {layer[figure] for layer in found.values() if figure in layer} for figure in figures}
    wrong = [
        figure
        for figure in figures
        if len(values[figure]) > 1 or (figure in expected and values[figure] != {expected[figure]})
    ]
    if wrong:
        print(f"not as they should be: {', '.join(wrong)}")
        return 1
    print("the same in every layer: nothing was lost, nothing was invented")
    return 0


def read(account: Upload, example: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return layer → figure → its printed value.

    Raises:
        KitError: a query fails, for instance because the workflows have not run.
    """
    found: dict[str, dict[str, str]] = {}
    for layer, queries in example["figures"].items():
        found[layer] = {}
        for figure, query in queries.items():
            value = account.execute(f"raw_{example['sub']}", query)[0][0]
            if value is None:
                raise KitError(f"no value for {figure}", where=f"figures of {layer}")
            found[layer][figure] = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KitError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
