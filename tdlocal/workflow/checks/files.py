"""Files: secrets in them, and .dig files that a push would take by mistake."""

from __future__ import annotations

import re
from pathlib import Path

from tdlocal.workflow.checks.project import Checked
from tdlocal.workflow.faults import Place
from tdlocal.workflow.project import UNREADABLE

SECRETS = (
    (re.compile(r"\b[1-9]\d{0,8}/[0-9a-f]{40}\b"), "a Treasure Data API key"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "an AWS access key"),
    (re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"), "a GitHub token"),
    (re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"), "a Slack token"),
    (
        re.compile(
            r"^\s*[\w.-]*(?:password|passwd|secret|api_?key|token)\s*:\s*['\"]?(?![\s'\"]*(?:\$\{|$|#|\{|\[|null|~))(?=[^\s'\"#]*[\d!@%^&*+=])[^\s'\"#]{6,}",
            re.IGNORECASE,
        ),
        "a password or key in plain text",
    ),
)
TEXT = {
    ".dig",
    ".yml",
    ".yaml",
    ".sql",
    ".py",
    ".json",
    ".txt",
    ".html",
    ".md",
    ".sh",
    ".rb",
    ".j2",
    ".env",
    ".properties",
    ".toml",
}
LONGEST = 2_000_000
MISTAKES = re.compile(
    r"(?:^|[ _.-])(?:copy|backup|bak|old|orig|tmp|temp|draft|test|wip)(?:$|[ _.(-]|\d)", re.IGNORECASE
)


def check(project: Checked) -> None:
    """Note secrets and stray workflow files."""
    for path in project.pushed:
        if path.suffix == ".dig":
            _workflow_file(project, path)
        if path.suffix in TEXT and path.stat().st_size <= LONGEST:
            _secrets(project, path)


def _secrets(project: Checked, path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > 2000:
            continue
        for pattern, what in SECRETS:
            if what.startswith("a password") and path.suffix not in (
                ".dig",
                ".yml",
                ".yaml",
                ".properties",
                ".env",
            ):
                continue
            if pattern.search(line):
                project.fault(
                    Place(project.shown(path), number),
                    f"holds {what}",
                    "keep it as a secret and write ${secret:…}",
                    "secret",
                )
                break


def _workflow_file(project: Checked, path: Path) -> None:
    place = Place(project.shown(path), 1)
    if path.parent == project.root:
        if MISTAKES.search(path.stem) or " " in path.stem:
            problem = "looks like a copy, and push would send it as a workflow"
            project.fault(place, problem, "remove it, or name it in .digdagignore", "stray-workflow", True)
        return
    if path.resolve() not in project.called and path.name != UNREADABLE:
        problem = "push would send this .dig file, which is in a subfolder and which no call> names"
        project.fault(place, problem, "remove it, or name it in .digdagignore", "stray-workflow", True)
