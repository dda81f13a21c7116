"""The rules that hold everywhere: folders, imports, names, docs, what is pushed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pathspec
import pytest
import yaml

from tests.support import ROOT

WORKFLOWS = [
    "wf00_orchestration",
    "wf01_run_workflow_with_logging",
    "wf02_mapping",
    "wf03_validate",
    "wf04_stage",
    "wf05_unify",
    "wf06_golden",
    "wf07_analytics",
    "wf08_create_refresh_master_segment",
    "wf09_create_segment",
]
PACK_FOLDERS = (
    "common", "prep", "validation", "staging", "unification", "golden", "analytics", "segment",
)  # fmt: skip
TASK_LIBRARIES = {"pytd", "tdclient", "pandas", "requests", "yaml", "jinja2", "digdag", "msgpack"}


def tracked(*patterns):
    """Return the files of the project that git knows, those not yet added included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def pushed():
    """Return what `td workflow push` takes: nothing that starts with a dot, nothing that is ignored."""
    ignored = pathspec.GitIgnoreSpec.from_lines((ROOT / ".digdagignore").read_text().splitlines())
    names = [path.relative_to(ROOT) for path in tracked()]
    return [
        name
        for name in names
        if not any(part.startswith(".") for part in name.parts) and not ignored.match_file(str(name))
    ]


def imports(path):
    """Yield the top name of each import of a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


def pack_modules():
    return [path for folder in PACK_FOLDERS for path in tracked(f"{folder}/**.py", f"{folder}/*.py")]


def test_the_ten_workflows_are_the_only_ones_at_the_top():
    assert sorted(path.stem for path in ROOT.glob("*.dig")) == WORKFLOWS


def test_the_pack_imports_only_what_treasure_data_has():
    allowed = TASK_LIBRARIES | set(PACK_FOLDERS) | set(sys.stdlib_module_names)
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in pack_modules()
        for name in imports(path)
        if name not in allowed
    }
    assert not found


def test_a_stage_imports_only_itself_and_common():
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in pack_modules()
        for name in imports(path)
        if name in PACK_FOLDERS and name not in ("common", path.relative_to(ROOT).parts[0])
    }
    assert not found


def test_the_kit_never_imports_the_pack():
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in tracked("tdlocal/**.py", "tdlocal/*.py")
        for name in imports(path)
        if name in PACK_FOLDERS
    }
    assert not found


def test_what_is_pushed_is_the_pack_alone():
    tops = {name.parts[0] for name in pushed()}
    assert tops <= {*PACK_FOLDERS, "config", *(f"{workflow}.dig" for workflow in WORKFLOWS)}
    assert sum((ROOT / name).stat().st_size for name in pushed()) < 2 * 1024 * 1024


def task_targets():
    """Yield every `py>` target of the workflows."""
    for path in sorted(ROOT.glob("*.dig")):
        for target in re.findall(r"^\s*(?:\{)?py>:\s*([\w.]+)", path.read_text(), re.MULTILINE):
            yield target
        for target in re.findall(r"\{py>:\s*([\w.]+)", path.read_text()):
            yield target


@pytest.mark.slow
def test_every_task_imports_from_the_pushed_files_without_the_kit(tmp_path):
    for name in pushed():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    targets = sorted(set(task_targets()))
    assert targets
    program = (
        "import sys, importlib\n"
        "class Kit:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] == 'tdlocal': raise ImportError('the pack imported the kit')\n"
        "sys.meta_path.insert(0, Kit())\n"
        "sys.path[:] = [entry for entry in sys.path if entry != '']\n"
        "sys.path.append('.')\n"
        "for target in sys.argv[1:]:\n"
        "    module, name = target.rsplit('.', 1)\n"
        "    assert callable(getattr(importlib.import_module(module), name)), target\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *targets], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_every_sql_file_has_row_cases():
    written = {
        yaml.safe_load(path.read_text(encoding="utf-8"))["sql"]
        for path in (ROOT / "tests/cases").rglob("*.yml")
    }
    answers = {
        str(path.relative_to(ROOT))
        for folder in PACK_FOLDERS
        for path in tracked(f"{folder}/**.sql")
        if re.search(r"\bselect\b", path.read_text(encoding="utf-8"))
    }
    assert answers - written == set()


def test_no_sql_file_writes_by_itself():
    for folder in PACK_FOLDERS:
        for path in tracked(f"{folder}/**.sql"):
            code = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8")).strip().lower()
            assert code.startswith(("select", "with", "values", "create table if not exists")), path


def test_every_workflow_command_and_default_is_in_the_docs():
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    )
    from tdlocal.cli import COMMANDS

    defaults = yaml.safe_load((ROOT / "config/src_params.yml").read_text())["defaults"]
    missing = [workflow for workflow in WORKFLOWS if not (ROOT / f"docs/workflows/{workflow}.md").is_file()]
    missing += [f"tdlocal {command}" for command in COMMANDS if f"tdlocal {command}" not in pages]
    missing += [name for name in defaults if f"`{name}`" not in pages]
    assert not missing


def test_links_between_the_docs_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_no_file_names_this_machine_or_a_registry():
    forbidden = re.compile(r"/work/|pypi\.org|files\.pythonhosted|registry\.npmjs|repo1?\.maven|deb\.debian")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in (".py", ".md", ".dig", ".sql", ".yml", ".toml", ".sh", "")
        and path != Path(__file__).resolve()
        and forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found
