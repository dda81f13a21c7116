"""Workflow projects: what was pushed, revision by revision, and the built-in ones that build audiences.

A push is unpacked and loaded before it counts: a project with a fault is refused whole. Each revision has its
own workflows with ids of their own; the newest revision is the project's present.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdlocal.account.cdp_values import as_id, unix_now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.project_archive import unpack
from tdlocal.account.workflow_times import stamp

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLES = """
create table if not exists projects (
    id integer primary key autoincrement,
    name text not null,
    audience_id integer,
    created_at text not null,
    updated_at text not null,
    deleted_at text
);
create unique index if not exists living_projects on projects (name) where deleted_at is null;
create table if not exists revisions (
    id integer primary key autoincrement,
    project_id integer not null references projects (id),
    name text not null,
    md5 text,
    created_at text not null
);
create table if not exists workflows (
    id integer primary key autoincrement,
    project_id integer not null references projects (id),
    revision_id integer not null references revisions (id),
    name text not null,
    timezone text not null,
    config text not null
);
create table if not exists project_secrets (
    project_id integer not null references projects (id),
    key text not null,
    value text not null,
    primary key (project_id, key)
)
"""
NAME = re.compile(r"[^/\\\x00-\x1f]{1,255}")
AUDIENCE_WORKFLOW = "audience"
AUDIENCE_CONFIG = {
    "+build": {"echo>": "made by the account: customers, behavior tables and populations of this audience"}
}
SELECT_WORKFLOW = """
select workflows.*, projects.name as project_name, projects.audience_id, revisions.name as revision
from workflows
join projects on projects.id = workflows.project_id
join revisions on revisions.id = workflows.revision_id
"""
IS_PRESENT = "revisions.id = (select max(id) from revisions where project_id = projects.id)"


@dataclass(frozen=True)
class Definition:
    """A workflow as it stands in a revision: its name, zone and parsed content."""

    name: str
    timezone: str
    config: Mapping[str, Any]


class Projects:
    """The projects of the account, as rows of the store and folders below `<state>/projects`."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.folder = account.state / "projects"
        self.store.script(TABLES)

    # ---- making

    def push(
        self,
        name: str,
        revision: str,
        archive: bytes,
        *,
        schedule_from: int | None = None,
        cleared: Callable[[str], bool] = lambda _: False,
    ) -> dict[str, Any]:
        """Store a new revision of project *name*, making the project when there is none.

        Args:
            name: the project.
            revision: the new revision's name.
            archive: a tar.gz of its files.
            schedule_from: unix seconds at which new and cleared schedules begin; now when None.
            cleared: tells of a workflow's name whether its schedule begins anew.
        """
        if not NAME.fullmatch(name or ""):
            raise Refused(f"project name {name!r} is not allowed; use 1 to 255 characters, no slash")
        living = self.store.one("select * from projects where name = ? and deleted_at is null", (name,))
        if living and living["audience_id"] is not None:
            raise AlreadyThere(f"project {name} belongs to audience {living['audience_id']}")
        if living:
            self._revision_is_new(living["id"], revision)
        aside = self.folder / f"incoming-{uuid.uuid4().hex}"
        try:
            unpack(archive, aside)
            definitions = load(aside)
            with self.store.transaction():
                project = living["id"] if living else self._plant(name, None)
                number = self._add_revision(project, revision, definitions, md5(archive))
                at = unix_now() if schedule_from is None else schedule_from
                self.account.workflow_schedules.pushed(project, at, cleared)
                aside.rename(self.folder / str(number))
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        (self.folder / f"{number}.tar.gz").write_bytes(archive)
        return self.get(project)

    def plant_audience(self, audience: int) -> None:
        """Make the project `cdp_audience_<id>` with its workflow `audience`."""
        project = self._plant(f"cdp_audience_{audience}", audience)
        self._add_revision(project, "1", [Definition(AUDIENCE_WORKFLOW, "UTC", AUDIENCE_CONFIG)], None)

    def schedule_audience(self, audience: int, schedule: Mapping[str, Any] | None, zone: str) -> None:
        """Give the workflow `audience` of an audience's project its schedule, or none."""
        row = self.store.one(
            "select id from projects where audience_id = ? and deleted_at is null", (audience,)
        )
        assert row is not None
        config = {**({"schedule": schedule} if schedule else {}), **AUDIENCE_CONFIG}
        self.store.execute(
            "update workflows set config = ?, timezone = ? where project_id = ?",
            (json.dumps(config), zone, row["id"]),
        )
        self.account.workflow_schedules.pushed(row["id"], unix_now(), lambda _: False)

    def uproot_audience(self, audience: int) -> None:
        self.store.execute(
            "update projects set deleted_at = ? where audience_id = ? and deleted_at is null",
            (stamp(), audience),
        )

    def delete(self, project: Any) -> dict[str, Any]:
        """Delete a pushed project; its past attempts stay readable."""
        row = self.get(project)
        if row["audience_id"] is not None:
            raise Refused(f"project {row['name']} goes only with its audience")
        self.store.execute("update projects set deleted_at = ? where id = ?", (stamp(), row["id"]))
        return row | {"deleted_at": stamp()}

    # ---- reading

    def get(self, project: Any) -> dict[str, Any]:
        """A living project with the name and checksum of its present revision."""
        rows = self._projects("projects.id = ?", (as_id(project),))
        if not rows:
            raise NotThere(f"project {project} does not exist")
        return rows[0]

    def named(self, name: str) -> dict[str, Any] | None:
        rows = self._projects("projects.name = ?", (name,))
        return rows[0] if rows else None

    def all(self) -> list[dict[str, Any]]:
        return self._projects("true", ())

    def revisions(self, project: Any) -> list[dict[str, Any]]:
        """Revisions of a project, newest first."""
        number = self.get(project)["id"]
        return self.store.query("select * from revisions where project_id = ? order by id desc", (number,))

    def workflows(self, project: Any = None, revision: str | None = None) -> list[dict[str, Any]]:
        """Workflows of one project (of all, when None), of its present revision or of the named one."""
        wheres, args = ["projects.deleted_at is null"], []
        if project is not None:
            wheres.append("projects.id = ?")
            args.append(self.get(project)["id"])
        if revision:
            wheres.append(
                "revisions.id = (select max(id) from revisions where project_id = projects.id and name = ?)"
            )
            args.append(revision)
        else:
            wheres.append(IS_PRESENT)
        return self.store.query(f"{SELECT_WORKFLOW} where {' and '.join(wheres)} order by workflows.id", args)

    def workflow(self, workflow: Any) -> dict[str, Any]:
        """One workflow by id, of any revision of a living project."""
        row = self.store.one(
            f"{SELECT_WORKFLOW} where workflows.id = ? and projects.deleted_at is null", (as_id(workflow),)
        )
        if row is None:
            raise NotThere(f"workflow {workflow} does not exist")
        return row

    def workflow_named(self, project: Any, name: str, revision: str | None = None) -> dict[str, Any]:
        for row in self.workflows(project, revision):
            if row["name"] == name:
                return row
        raise NotThere(f"workflow {name} does not exist in project {project}")

    def archive(self, project: Any, revision: str | None = None) -> bytes:
        """The tar.gz as it was pushed."""
        for row in self.revisions(project):
            if revision in (None, "", row["name"]):
                path = self.folder / f"{row['id']}.tar.gz"
                if path.exists():
                    return path.read_bytes()
                break
        raise NotThere(f"project {project} has no archive of revision {revision or 'now'}")

    def unpacked(self, revision: int) -> Path:
        """The folder of a revision's files."""
        return self.folder / str(revision)

    # ---- secrets

    def set_secret(self, project: Any, key: str, value: Any) -> None:
        number = self.get(project)["id"]
        if not isinstance(value, str):
            raise Refused("a secret needs a value, as text")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", key):
            raise Refused(
                f"secret key {key[:40]!r} is not allowed; use letters, digits, dot, dash, underscore"
            )
        self.store.execute(
            "insert into project_secrets (project_id, key, value) values (?, ?, ?)"
            " on conflict (project_id, key) do update set value = excluded.value",
            (number, key, value),
        )

    def delete_secret(self, project: Any, key: str) -> None:
        self.store.execute(
            "delete from project_secrets where project_id = ? and key = ?", (self.get(project)["id"], key)
        )

    def secrets(self, project: Any) -> dict[str, str]:
        rows = self.store.query(
            "select key, value from project_secrets where project_id = ? order by key", (as_id(project),)
        )
        return {row["key"]: row["value"] for row in rows}

    # ---- helpers

    def _projects(self, where: str, args: tuple[Any, ...]) -> list[dict[str, Any]]:
        return self.store.query(
            "select projects.*, revisions.name as revision, revisions.md5, revisions.id as revision_id"
            f" from projects join revisions on revisions.project_id = projects.id and {IS_PRESENT}"
            f" where projects.deleted_at is null and {where} order by projects.id",
            args,
        )

    def _plant(self, name: str, audience: int | None) -> int:
        now = stamp()
        cursor = self.store.execute(
            "insert into projects (name, audience_id, created_at, updated_at) values (?, ?, ?, ?)",
            (name, audience, now, now),
        )
        return int(cursor.lastrowid or 0)

    def _add_revision(
        self, project: int, name: str, definitions: list[Definition], checksum: str | None
    ) -> int:
        now = stamp()
        cursor = self.store.execute(
            "insert into revisions (project_id, name, md5, created_at) values (?, ?, ?, ?)",
            (project, name, checksum, now),
        )
        revision = int(cursor.lastrowid or 0)
        for one in definitions:
            self.store.execute(
                "insert into workflows (project_id, revision_id, name, timezone, config)"
                " values (?, ?, ?, ?, ?)",
                (project, revision, one.name, one.timezone, json.dumps(one.config, default=str)),
            )
        self.store.execute("update projects set updated_at = ? where id = ?", (now, project))
        return revision

    def _revision_is_new(self, project: int, name: str) -> None:
        if self.store.query("select id from revisions where project_id = ? and name = ?", (project, name)):
            raise AlreadyThere(f"revision {name} of the project exists already")


def load(folder: Path) -> list[Definition]:
    """The workflows of an unpacked project, loaded as the runner loads them; Refused tells every fault."""
    from tdlocal.errors import KitError
    from tdlocal.workflow.faults import WorkflowFaults
    from tdlocal.workflow.project import Project
    from tdlocal.workflow.yaml_reader import read_yaml

    project = Project(folder)
    try:
        project.load()
    except (WorkflowFaults, KitError) as faults:
        raise Refused(str(faults).replace(str(folder.resolve()) + "/", "")) from faults
    return [
        Definition(name, one.timezone, read_yaml(one.path, project.root, []) or {})
        for name, one in sorted(project.workflows.items())
    ]


def md5(archive: bytes) -> str:
    """The checksum as Digdag sends it: base64 of the MD5."""
    return base64.b64encode(hashlib.md5(archive, usedforsecurity=False).digest()).decode()
