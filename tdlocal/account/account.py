"""One local account: its engine, its store and its nouns. No HTTP here."""

from __future__ import annotations

from pathlib import Path

from tdlocal.account.attempts import Attempts
from tdlocal.account.audiences import Audiences
from tdlocal.account.buckets import Buckets
from tdlocal.account.bulk_imports import BulkImports
from tdlocal.account.clock import now
from tdlocal.account.connectors import Connectors
from tdlocal.account.databases import Databases
from tdlocal.account.exports import Exports
from tdlocal.account.folders import Folders
from tdlocal.account.jobs import Jobs
from tdlocal.account.loads import Loads
from tdlocal.account.mails import Mails
from tdlocal.account.models import Models
from tdlocal.account.policies import Policies
from tdlocal.account.projects import Projects
from tdlocal.account.results import Results
from tdlocal.account.schedules import Schedules
from tdlocal.account.segments import Segments
from tdlocal.account.statements import Statements
from tdlocal.account.store import Store
from tdlocal.account.syndications import Syndications
from tdlocal.account.tables import Tables
from tdlocal.account.ticker import Ticker
from tdlocal.account.users import Users
from tdlocal.account.workflow_schedules import WorkflowSchedules
from tdlocal.engine.types import Engine


class Account:
    """Everything one account knows, over one state folder.

    Args:
        state: the folder that holds it all; made when absent. One process at a time.
        engine: where tables live; the account closes it.
        key: the API key of the first user.
        url: where the account answers, without trailing slash; set by the server once it listens.
        going_on: clients of an account that was killed still wait: go on with its queries.
        smtp: host and port of the mail server; set by the server.
    """

    def __init__(
        self, state: Path, engine: Engine, *, key: str = "", url: str = "", going_on: bool = False
    ) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self.engine = engine
        self.key = key
        self.url = url
        self.smtp: tuple[str, int] | None = None
        self.store = Store(state / "account.sqlite")
        self.mails = Mails(state)
        self.users = Users(self)
        self.policies = Policies(self)
        self.databases = Databases(self)
        self.tables = Tables(self)
        self.jobs = Jobs(self)
        self.statements = Statements(self)
        self.bulk_imports = BulkImports(self)
        self.schedules = Schedules(self)
        self.results = Results(self)
        self.buckets = Buckets(state)
        self.loads = Loads(self)
        self.exports = Exports(self)
        self.connectors = Connectors(self)
        self.audiences = Audiences(self)
        self.folders = Folders(self)
        self.segments = Segments(self)
        self.syndications = Syndications(self)
        self.models = Models(self)
        self.projects = Projects(self)
        self.attempts = Attempts(self)
        self.workflow_schedules = WorkflowSchedules(self)
        self.clock = Ticker(self)
        steps = engine.taken_steps()
        self.jobs.resume(going_on, steps)
        self.statements.resume(going_on, steps)

    def api_keys(self) -> list[str]:
        """Every API key that is accepted."""
        return list(self.users.keys())

    def close(self) -> None:
        """Stop the work in hand and close the files."""
        self.clock.close()
        self.attempts.close()
        self.jobs.close()
        self.statements.close()
        self.store.close()
        self.engine.close()


__all__ = ["Account", "now"]
