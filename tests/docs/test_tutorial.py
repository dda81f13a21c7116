"""The tutorial, followed to the letter in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.shop import environment, rows
from tests.support import ROOT
from tests.test_rules import tracked


@pytest.mark.slow
def test_the_tutorial_works_to_the_letter(tmp_path):
    project = tmp_path / "project"
    for path in tracked():
        target = project / path.relative_to(ROOT)
        if path.relative_to(ROOT).parts[0] in ("tests", "benchmarks"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    commands = project / "bin"
    commands.mkdir()
    (commands / "tdlocal").write_text(f'#!/bin/sh\nexec {sys.executable} -m tdlocal.cli "$@"\n')
    (commands / "tdlocal").chmod(0o755)
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    script = "\n".join(blocks).replace('export PATH="$PWD/.venv/bin:$PATH"', 'export PATH="$PWD/bin:$PATH"')
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    state = project / ".tdlocal"
    people = rows(state, "select * from golden_myshop.unified_customers", "va_config_myshop")
    ada = next(person for person in people if person["full_name"] == "Ada Lovelace")
    assert ada["email"] == "ada@lovelace.example.com"
    assert ada["phone_number"] == "+14155552671"
    assert (ada["address"], ada["city"], ada["state"]) == ("1 N Main St", "Oakland", "CA")
    value = rows(
        state,
        f"select * from golden_myshop.customer_attributes where canonical_id = '{ada['canonical_id']}'",
        "va_config_myshop",
    )[0]
    assert value["lifetime_value"] == pytest.approx(40.0)
    assert Path(state / "output/validation_report.html").is_file()
