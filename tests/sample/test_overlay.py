"""Files laid over a project."""

import pytest
import yaml

from tdlocal.errors import KitError
from tdlocal.overlay import overlaid


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    for name, text in {
        "wf00.dig": "+a:\n  echo>: x\n",
        "config/src_params.yml": "defaults: {sub: retail, site: us}\nraw: raw\nabsent_tables: []\n",
        "config/schema_map.yml": "a: 1\n",
        "prep/queries/consents.sql": "select 1\n",
        "tests/test_x.py": "",
        ".secret": "",
        ".digdagignore": "/tests/\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def overlay(tmp_path):
    folder = tmp_path / "overlay"
    (folder / "config").mkdir(parents=True)
    (folder / "config/src_params.yml").write_text("defaults: {sub: mine}\nabsent_tables: [consents]\n")
    (folder / "config/schema_map.yml").write_text("b: 2\n")
    return folder


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_files_replace_and_parameters_merge(project, overlay, tmp_path):
    merged = overlaid(project, overlay, tmp_path / "merged")
    assert names(merged) - {".overlaid"} == {
        "wf00.dig",
        "config/src_params.yml",
        "config/schema_map.yml",
        "prep/queries/consents.sql",
    }
    assert (merged / "config/schema_map.yml").read_text() == "b: 2\n"
    assert yaml.safe_load((merged / "config/src_params.yml").read_text()) == {
        "defaults": {"sub": "mine", "site": "us"},
        "raw": "raw",
        "absent_tables": ["consents"],
    }


def test_a_second_time_starts_clean(project, overlay, tmp_path):
    merged = overlaid(project, overlay, tmp_path / "merged")
    (project / "prep/queries/consents.sql").unlink()
    assert "prep/queries/consents.sql" not in names(overlaid(project, overlay, merged))


def test_workflows_may_not_be_laid_over(project, overlay, tmp_path):
    (overlay / "wf00.dig").write_text("")
    with pytest.raises(KitError, match="may not replace workflows"):
        overlaid(project, overlay, tmp_path / "merged")


def test_a_folder_of_somebody_else_is_not_cleared(project, overlay, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear …")
    with pytest.raises(KitError, match="in use for something else"):
        overlaid(project, overlay, tmp_path / "mine")
    assert (tmp_path / "mine/letter.txt").exists()


def test_parameters_that_are_no_yaml_are_told_with_their_line(project, overlay, tmp_path):
    (overlay / "config/src_params.yml").write_text("defaults:\n  sub: [mine\n")
    with pytest.raises(KitError, match=r"overlay/config/src_params\.yml:\d"):
        overlaid(project, overlay, tmp_path / "merged")


def test_a_missing_overlay_is_told(project, tmp_path):
    with pytest.raises(KitError, match="no such overlay"):
        overlaid(project, tmp_path / "nowhere", tmp_path / "merged")
