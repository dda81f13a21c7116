"""Settled parameters: typed, checked, the same on a laptop, on Digdag and on Treasure Data."""

import pytest
import yaml

from common.python import params as settling
from common.python.errors import TaskError
from tests.support import ROOT

CONFIG = yaml.safe_load((ROOT / "config/src_params.yml").read_text(encoding="utf-8"))


def chosen(environment=None, **given):
    return settling.chosen_values(CONFIG["defaults"], given, CONFIG["sites"], environment or {})


def test_defaults_keep_their_types():
    found = chosen()
    assert (found["sub"], found["run_all"], found["keep_versions"]) == ("retail", False, 2)
    assert found["endpoints"]["cdp"] == "https://api-cdp.treasuredata.com"


def test_text_of_the_command_line_becomes_the_type_of_the_default():
    found = chosen(sub="x", run_all="true", keep_versions="3")
    assert (found["sub"], found["run_all"], found["keep_versions"]) == ("x", True, 3)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"run_all": "maybe"}, "give a value like false"),
        ({"sub": "Retail-1"}, "small letters"),
        ({"site": "mars"}, "use one of us, eu, jp, ap, local"),
        ({"only": "wf7"}, "only names no workflow"),
        ({"keep_versions": "0"}, "keep at least one"),
    ],
)
def test_a_value_that_cannot_work_is_told_in_one_line(given, words):
    with pytest.raises(TaskError, match=words) as caught:
        chosen(**given)
    assert "\n" not in str(caught.value)


def test_from_means_start_at():
    assert chosen(**{"from": "wf05_unify"})["start_at"] == "wf05_unify"


def test_from_is_given_back_to_the_mails_as_their_sender(py, params):
    params["from"] = "wf05_unify"
    py("common.python.params.settle")
    assert params["start_at"] == "wf05_unify"
    assert params["from"] == CONFIG["mail_sender"]


def test_a_local_account_says_so_by_itself():
    found = chosen({"TD_API_SERVER": "http://127.0.0.1:9999/"})
    assert found["site"] == "local"
    assert set(found["endpoints"].values()) == {"http://127.0.0.1:9999"}
    assert chosen(site="local")["endpoints"]["api"] == "http://127.0.0.1:8800"


def test_tdlocal_gets_host_names_since_its_port_changes():
    found = chosen({"TD_API_SERVER": "http://127.0.0.1:9999", "TD_OUTPUT_DIR": "/tmp/x"})
    assert found["site"] == "local"
    assert found["endpoints"]["presto"] == "https://api-presto.treasuredata.com"
