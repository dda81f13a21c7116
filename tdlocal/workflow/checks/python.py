"""py> targets: that the module is there and parses, has the function, and gets its arguments."""

from __future__ import annotations

import ast
import importlib.machinery
import sys
from pathlib import Path

from tdlocal.workflow.checks.names import BUILT_IN
from tdlocal.workflow.checks.project import Checked, Spot
from tdlocal.workflow.faults import Place


def check(project: Checked) -> None:
    """Note what is wrong with each py> task and with the modules it imports."""
    tops: dict[str, Place] = {}
    seen: set[Path] = set()
    for spot in project.spots:
        if spot.task.operator != "py" or "script" in spot.task.config:
            continue
        command = spot.task.command
        if not isinstance(command, str):
            project.fault(spot.task.place, "py> names no function", "write package.module.function", "python")
            continue
        if "${" in command:
            continue
        tops.setdefault(command.split(".")[0], spot.task.place)
        _target(project, spot, command, seen)
    for name, place in sorted(tops.items()):
        _shadow(project, name, place)


def _target(project: Checked, spot: Spot, command: str, seen: set[Path]) -> None:
    parts = command.split(".")
    if len(parts) < 2:
        project.fault(
            spot.task.place, f"py> {command}: a function needs its module", "write module.function", "python"
        )
        return
    for used in (1, 2):
        path = _module_path(spot.task.folder, parts[:-used]) if len(parts) > used else None
        if path is not None:
            break
    if path is None:
        top = spot.task.folder != project.root and _module_path(project.root, parts[:-1]) is not None
        mend = (
            "its folder is the .dig file's folder, not the project's"
            if top
            else "name a .py file of the project"
        )
        project.fault(spot.task.place, f"py> {command}: no module {'.'.join(parts[:-1])}", mend, "python")
        return
    _imports(project, path, spot.task.folder, seen)
    module = project.module(path)
    if module.tree is None:
        return
    names = parts[-used:]
    found = _find(module.tree, names[0])
    if found is None:
        if not _has_star(module.tree):
            project.fault(spot.task.place, f"{project.shown(path)} has no {names[0]}", "", "python")
        return
    if isinstance(found, ast.ClassDef):
        method = names[1] if len(names) > 1 else "run"
        init = _find(found, "__init__")
        if isinstance(init, ast.FunctionDef):
            _arguments(project, spot, init, path, True)
        target = _find(found, method)
        if target is None and not found.bases:
            project.fault(
                spot.task.place, f"class {found.name} of {project.shown(path)} has no {method}", "", "python"
            )
        found = target
        if isinstance(found, ast.FunctionDef):
            static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in found.decorator_list)
            _arguments(project, spot, found, path, not static)
    elif isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if isinstance(found, ast.AsyncFunctionDef):
            project.fault(
                spot.task.place,
                f"{command} is async: it would never run",
                "make it a plain function",
                "python",
            )
        _arguments(project, spot, found, path, False)


def _module_path(folder: Path, parts: list[str]) -> Path | None:
    base = folder.joinpath(*parts)
    if base.with_suffix(".py").is_file():
        return base.with_suffix(".py")
    return base / "__init__.py" if (base / "__init__.py").is_file() else None


def _find(tree: ast.Module | ast.ClassDef, name: str) -> ast.AST | None:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return node
        imported = node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ()
        if any((alias.asname or alias.name.split(".")[0]) == name for alias in imported):
            return node
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.If, ast.Try)):
            if any(
                isinstance(n, (ast.Name, ast.alias)) and getattr(n, "id", getattr(n, "name", "")) == name
                for n in ast.walk(node)
            ):
                return node
            for inner in ast.walk(node):
                if isinstance(inner, ast.FunctionDef) and inner.name == name:
                    return inner
    return None


def _has_star(tree: ast.Module) -> bool:
    return any(isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names) for n in tree.body)


def _arguments(
    project: Checked,
    spot: Spot,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    path: Path,
    skip_first: bool,
) -> None:
    given = function.args
    if function.decorator_list and not skip_first:
        return
    names = [arg.arg for arg in given.args][1 if skip_first else 0 :]
    required = names[: len(names) - len(given.defaults)] if given.defaults else names
    place = Place(project.shown(path), function.lineno)
    keyword = [
        arg.arg for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None
    ]
    for name in keyword:
        problem = f"argument {name} of {function.name} is keyword-only: py> never fills it in"
        project.fault(place, problem, "take the * out of the signature", "python")
    for arg in given.posonlyargs:
        problem = f"argument {arg.arg} of {function.name} is positional-only: py> passes arguments by name"
        project.fault(place, problem, "take the / out of the signature", "python")
    known = spot.task.config.keys() | project.defined | BUILT_IN
    for name in required:
        if name not in known:
            project.fault(
                spot.task.place,
                f"{function.name} of {project.shown(path)} needs {name}, which nothing defines",
                f"write `{name}: …` in the task",
                "argument",
            )


def _imports(project: Checked, path: Path, folder: Path, seen: set[Path]) -> None:
    """The module and the project modules it imports parse, and what they import is there."""
    if path in seen:
        return
    seen.add(path)
    module = project.module(path)
    if module.tree is None:
        if module.fault:
            project.faults.append(module.fault)
        return
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            inside = _module_path(folder, parts)
            if inside is not None:
                _imports(project, inside, folder, seen)
            elif (folder / parts[0]).is_dir() and parts[0] not in sys.stdlib_module_names:
                if not folder.joinpath(*parts).is_dir():
                    place = Place(project.shown(path), node.lineno)
                    project.fault(place, f"does not import: no module {name} in the project", "", "python")
            elif parts[0] != "digdag" and not _installed(parts[0], project.root):
                project.fault(
                    Place(project.shown(path), node.lineno),
                    f"does not import: no module {parts[0]}",
                    "",
                    "python",
                )


def _installed(name: str, root: Path) -> bool:
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        return True
    elsewhere = [entry for entry in sys.path if entry and Path(entry).resolve() != root]
    return importlib.machinery.PathFinder.find_spec(name, elsewhere) is not None


def _shadow(project: Checked, name: str, place: Place) -> None:
    """The project comes last on sys.path, so anything else of that name wins."""
    if not ((project.root / name).is_dir() or (project.root / f"{name}.py").is_file()):
        return
    if name in sys.stdlib_module_names or name in sys.builtin_module_names:
        project.fault(
            place,
            f"module {name} has the name of one of Python's own, which wins",
            "give it another name",
            "shadow",
        )
        return
    elsewhere = [entry for entry in sys.path if entry and "site-packages" in entry]
    spec = importlib.machinery.PathFinder.find_spec(name, elsewhere)
    if spec is not None and spec.origin and project.root not in Path(spec.origin).resolve().parents:
        project.fault(
            place,
            f"module {name} is also installed here ({spec.origin}), which wins",
            "give it another name",
            "shadow",
            True,
        )
