"""Write docs/commands.md from the commands' own words: python scripts/command_pages.py"""

import argparse
import importlib
from pathlib import Path

from tdlocal.cli import COMMANDS

TARGET = Path(__file__).parent.parent / "docs/commands.md"


def page():
    """Return the page as text."""
    lines = [
        "# Commands",
        "",
        "Written by `scripts/command_pages.py`. `tdlocal COMMAND --help` says the same. Every command exits",
        "with 0 when it worked and 1 when it did not; answers go to standard output, progress to standard",
        "error.",
    ]
    for name in COMMANDS:
        module = importlib.import_module(f"tdlocal.commands.{name}")
        parser = argparse.ArgumentParser(prog=f"tdlocal {name}", add_help=False)
        module.configure(parser)
        lines += ["", f"## tdlocal {name}", "", module.HELP, ""]
        lines += table(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for word, child in action.choices.items():
                    lines += ["", f"### tdlocal {name} {word}", "", child.description or "", ""]
                    lines += table(child)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def table(parser):
    """Return the options of *parser* as lines of a table."""
    rows = []
    for action in parser._actions:
        hidden = action.help is argparse.SUPPRESS
        if hidden or isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            continue
        shown = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        if action.option_strings and action.nargs != 0:
            values = "|".join(map(str, action.choices)) if action.choices else None
            shown += f" {values or action.metavar or action.dest.upper()}"
        words = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
        cells = [cell.replace("|", "\\|").replace("\n", " ") for cell in (f"`{shown}`", words)]
        rows.append(f"| {cells[0]} | {cells[1]} |")
    return ["| option | meaning |", "|---|---|", *rows] if rows else []


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
