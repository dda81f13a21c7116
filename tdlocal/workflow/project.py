"""A project folder: its workflows, loaded and checked together as Digdag does."""

from __future__ import annotations

from pathlib import Path

from tdlocal.errors import KitError
from tdlocal.workflow.faults import ConfigError, Fault, WorkflowFaults
from tdlocal.workflow.model import Workflow, read_workflow, workflow_of
from tdlocal.workflow.yaml_reader import read_yaml

UNREADABLE = "unreadable.dig"  # what `tdlocal run` starts when files of the project cannot be read


class Project:
    """The .dig files of a folder.

    Args:
        root: project folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.workflows: dict[str, Workflow] = {}
        self._called: dict[tuple[Path, int], Workflow] = {}

    def load(self) -> None:
        """Load every .dig file of the top folder.

        Raises:
            WorkflowFaults: with all faults of all files.
        """
        faults: list[Fault] = []
        for path in sorted(self.root.glob("*.dig")):
            if path.name.startswith(".") or not path.is_file():
                continue
            workflow = read_workflow(path, self.root, faults)
            if workflow:
                self.workflows[workflow.name] = workflow
        if faults:
            raise WorkflowFaults(faults)

    def helper(self, file: str) -> Workflow | None:
        """The workflow of *file*, in the project's folder or one right below it, read by itself; its tasks
        work in the project's folder. None when there is no such file, or it has faults.
        """
        found = [path for path in (self.root / file, *sorted(self.root.glob(f"*/{file}"))) if path.is_file()]
        faults: list[Fault] = []
        section = read_yaml(found[0], self.root, faults) if found else None
        workflow = None if section is None else workflow_of(section, self.root / file, faults)
        return None if faults else workflow

    def workflow(self, name: str) -> Workflow:
        """The workflow called *name* (with or without .dig), or the one whose file *name* is a path of.

        Raises:
            KitError: there is none.
        """
        stem = name[:-4] if name.endswith(".dig") else name
        if "/" in stem and (path := Path(stem).resolve()).parent == self.root:
            stem = path.name
        if stem in self.workflows:
            return self.workflows[stem]
        known = ", ".join(sorted(self.workflows)) or "none: is this the project folder?"
        mend = f"workflows here: {known}"
        if "/" in stem:
            mend = f"give the project folder with --project {Path(stem).parent.as_posix()}"
        raise KitError(f"workflow {stem!r} does not exist", where=str(self.root), mend=mend)

    def called(self, name: str, folder: Path) -> Workflow:
        """The file that `call> name` means, as seen from *folder*; a changed file is read anew.

        Raises:
            ConfigError: no such file, or it has faults.
        """
        file = name if name.endswith(".dig") else name + ".dig"
        if "\0" in file:
            raise ConfigError(f"File not found: {file!r}")
        path = (folder / file).resolve()
        if not path.is_file():
            raise ConfigError(f"File not found: {path}")
        key = (path, path.stat().st_mtime_ns)
        if key not in self._called:
            faults: list[Fault] = []
            workflow = read_workflow(path, self.root, faults)
            if workflow is None:
                raise ConfigError("; ".join(str(fault) for fault in sorted(set(faults))))
            self._called[key] = workflow
        return self._called[key]
