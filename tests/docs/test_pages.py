"""Pages that are written by programs say what the programs say."""

import importlib.util

from tests.support import ROOT


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_current():
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == script("command_pages").page(), (
        "run python scripts/command_pages.py"
    )
