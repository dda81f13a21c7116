"""Operators by name. Each family has a module of its own, imported when the first of its tasks runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tdlocal.workflow.faults import ConfigError


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    ``module`` and ``function`` say where it is; ``waits`` whether it blocks (then it runs in a thread);
    ``options`` are the parameters that it knows ("*" means any) and ``generates`` whether sub-tasks come
    from it without anything else happening, so that it is done anew in every run.
    """

    module: str
    function: str = "run"
    waits: bool = True
    options: frozenset[str] = frozenset()
    generates: bool = False
    pure: bool = False
    retriable: bool = True

    @property
    def checks_retry(self) -> bool:
        """Whether an invalid `_retry` fails the task; for the others it is ignored."""
        return self.module != "control" or self.function == "call"


def _options(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TD = (
    "database apikey endpoint use_ssl proxy priority engine engine_version hive_engine_version "
    "pool_name presto_pool_name hive_pool_name job_retry "
)
_HTTP = "method content content_format content_type headers query retry retry_interval timeout user password store_content content_type_override error_content_max_length follow_redirects query_format "  # noqa: E501

OPERATORS: dict[str, Operator] = {
    "echo": Operator("control", "echo", waits=False, pure=True),
    "fail": Operator("control", "fail", waits=False, pure=True, retriable=False),
    "if": Operator(
        "control", "choose", waits=False, options=_options("_do _else_do"), generates=True, pure=True
    ),
    "loop": Operator(
        "control", "loop", waits=False, options=_options("_do _parallel count"), generates=True, pure=True
    ),
    "for_each": Operator(
        "control", "for_each", waits=False, options=_options("_do _parallel"), generates=True, pure=True
    ),
    "for_range": Operator(
        "control", "for_range", waits=False, options=_options("_do _parallel"), generates=True, pure=True
    ),
    "call": Operator("control", "call", waits=False, generates=True, pure=True),
    "wait": Operator("control", "wait", options=_options("duration blocking poll_interval"), pure=True),
    "require": Operator(
        "require",
        options=_options(
            "session_time ignore_failure params rerun_on retry_attempt_name project_id project_name"
        ),
    ),
    "py": Operator("python", options=_options("*")),
    "sh": Operator("shell", options=_options("*")),
    "rb": Operator("ruby", options=_options("*")),
    "http": Operator("http", options=_options(_HTTP)),
    "http_call": Operator("http", "call", options=_options(_HTTP)),
    "mail": Operator(
        "mail",
        options=_options(
            "subject to cc bcc from html attach_files host port tls ssl debug body username password"
        ),
        pure=True,
    ),
    "td": Operator(
        "td",
        options=_options(
            _TD + "query create_table insert_into download_file store_last_results preview "
            "result_url result_connection "
            "result_settings suppress_header"
        ),
    ),
    "td_for_each": Operator("td", "for_each", options=_options(_TD + "query _do _parallel")),
    "td_wait": Operator("td_wait", options=_options(_TD + "query interval")),
    "td_wait_table": Operator("td_wait", "wait_table", options=_options(_TD + "rows interval")),
    "td_ddl": Operator(
        "td_ddl",
        options=_options(
            _TD + "create_tables drop_tables empty_tables rename_tables "
            "create_databases drop_databases empty_databases"
        ),
    ),
    "td_load": Operator("td_jobs", "load", options=_options(_TD + "table guess")),
    "td_run": Operator(
        "td_jobs",
        "run_saved",
        options=_options(_TD + "session_time download_file store_last_results preview"),
    ),
    "td_table_export": Operator(
        "td_jobs",
        "table_export",
        options=_options(_TD + "table file_format from to s3_bucket s3_path_prefix pool_name"),
    ),
    "td_result_export": Operator(
        "td_jobs", "result_export", options=_options(_TD + "job_id result_connection result_settings")
    ),
    "td_partial_delete": Operator("td_jobs", "partial_delete", options=_options(_TD + "table from to")),
}

OTHERS: dict[str, str] = {
    "pg": "PostgreSQL",
    "redshift": "Amazon Redshift",
    "redshift_load": "Amazon Redshift",
    "redshift_unload": "Amazon Redshift",
    "snowflake": "Snowflake",
    "databricks_job_run_now": "Databricks",
    "bq": "Google BigQuery",
    "bq_ddl": "Google BigQuery",
    "bq_extract": "Google BigQuery",
    "bq_load": "Google BigQuery",
    "gcs_wait": "Google Cloud Storage",
    "s3_wait": "Amazon S3",
    "s3_copy": "Amazon S3",
    "s3_delete": "Amazon S3",
    "s3_move": "Amazon S3",
    "emr": "Amazon EMR",
    "param_get": "a parameter store",
    "param_set": "a parameter store",
    "embulk": "Embulk",
    "notify": "Digdag itself",
    "docker": "Docker",
    "aws_emr": "Amazon EMR",
}

COMMON = frozenset(
    (
        "_export _retry _error _check _parallel _background _after _disable _type _command _env _secrets "
        "_do _else_do docker"
    ).split()
)


def operator(name: str) -> Operator:
    """The operator called *name*.

    Raises:
        ConfigError: tdlocal does not have it.
    """
    found = OPERATORS.get(name)
    if found:
        return found
    if name in OTHERS:
        raise ConfigError(f"operator {name}> ({OTHERS[name]}) is not supported by tdlocal")
    raise ConfigError(f"Unknown task type: {name}")


def function(found: Operator) -> Callable[..., Any]:
    """The function that runs an operator."""
    module = importlib.import_module(f"tdlocal.operators.{found.module}")
    chosen: Callable[..., Any] = getattr(module, found.function)
    return chosen
