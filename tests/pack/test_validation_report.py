"""The validation report in a real browser, at the width of a phone and of a desk; and its plain text."""

import html
import json
import re
import shutil
import subprocess

import pytest

from validation.python.gen_html import HTML_PAGE, TEXT_PAGE, render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROW = {"id": "a***b", "consent_flag": None, "note": "x" * 40, "time": "2026-11-01T00:00:00Z"}
LONG = "select * from src_t.consents where " + "a_very_long_column_name_without_any_blank" * 20
SCRIPT = """<body><iframe id="f" style="border:0;width:{width}px;height:800px" srcdoc="{page}"></iframe>
<script>f.onload = () => {{
  const page = f.contentDocument, shown = page.documentElement;
  page.querySelectorAll("details").forEach((d) => d.open = true);
  const small = [...page.querySelectorAll("p, td, h1, h2, h3, summary, code")]
    .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 12).length;
  const heads = [...page.querySelectorAll("h2")].map((e) => e.textContent);
  document.body.innerHTML = "<pre id=answer>" + [shown.scrollWidth, shown.clientWidth, small,
    page.querySelectorAll("script, link, img").length,
    [...page.querySelectorAll("svg")].filter((e) => e.getBoundingClientRect().width > 10
      && e.getAttribute("aria-label")).length, heads.join("|")].join(";") + "</pre>";
}}</script></body>"""


def finding(severity, number, **values):
    return {
        "severity": severity, "check_name": "FORMAT", "table_name": "consents", "column_name": f"c{number}",
        "expected": "a well-formed email", "actual": "3 of 10 values differ", "samples": '[["a***b", 3]]',
        "sample_rows": json.dumps([ROW] * 5), "rows_query": LONG,
        "source": "raw web_consents > prp consents.id",
        "place": "config/validation.yml:9",
        "advice": "mend them at the source", "finding_count": 3, "row_count": 10, "share": 0.3,
        "previous_count": 2, **values,
    }  # fmt: skip


def quality(table, column):
    return {
        "table_name": table, "column_name": column, "row_count": 10, "previous_row_count": 9,
        "completeness": 0.5, "previous_completeness": 0.9, "expected_completeness": 0.95,
    }  # fmt: skip


FACTS = {"database": "src_t", "log": "va_config_t", "session": "2026-11-01"}
FINDINGS = [finding(name, number) for name in ("info", "warning", "critical") for number in range(3)]
QUALITY = [quality("consents", f"column_{number}") for number in range(20)]
HISTORY = {"consents": [(day, 10 * day) for day in range(1, 30)]}


def looked_at(page, width, folder):
    """Return what a browser of that width makes of the page."""
    path = folder / "look.html"
    path.write_text(SCRIPT.format(width=width, page=html.escape(page, quote=True)), encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    words += ["--virtual-time-budget=5000", "--window-size=1400,900", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *words, path.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    return found[1].split(";")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
@pytest.mark.parametrize("width", [360, 1280])
def test_the_report_fits_a_phone_and_a_desk(width, tmp_path):
    page = render(FINDINGS, QUALITY, history=HISTORY, **FACTS)
    wide, room, small, foreign, charts, heads = looked_at(page, width, tmp_path)
    assert int(wide) <= int(room) <= width
    assert (int(small), int(foreign)) == (0, 0)
    assert int(charts) == len(QUALITY) + 1
    assert heads.split("|") == ["Critical (3)", "Warning (3)", "Info (3)", "Completeness"]


def test_the_largest_report_stays_below_a_megabyte():
    findings = [finding(severity, n) for severity in ("critical", "warning", "info") for n in range(500)]
    columns = [quality(f"table_{table}", f"column_{n}") for table in range(11) for n in range(40)]
    assert len(render(findings, columns, history=HISTORY, **FACTS).encode()) < 1_000_000


@pytest.mark.parametrize("page", [HTML_PAGE, TEXT_PAGE])
def test_the_largest_report_of_the_longest_values_stays_below_a_megabyte_too(page):
    row = {f"column_{n}": "漢" * 200 for n in range(8)}
    big = {"sample_rows": json.dumps([row] * 5), "rows_query": "x" * 50_000, "actual": "<&>" * 300}
    findings = [finding(severity, n, **big) for severity in ("critical", "warning") for n in range(2_000)]
    columns = [quality(f"table_{table}", f"column_{n}") for table in range(11) for n in range(1_000)]
    text = render(findings, columns, history=HISTORY, page=page, **FACTS)
    assert len(text.encode()) <= 1_000_000
    for words in ("漢", "more in validation_findings", "whole is in validation_findings"):
        assert words in text


def test_the_text_says_what_the_page_says():
    text = render(FINDINGS, QUALITY, history=HISTORY, page=TEXT_PAGE, **FACTS)
    assert text.startswith("Validation of src_t, session 2026-11-01: stopped\n3 critical, 3 warnings, 3 info")
    assert text.index("CRITICAL (3)") < text.index("WARNING (3)") < text.index("INFO (3)")
    for words in ("* consents.c0: format", "3 of 10 (30.00 %), last time 2", "for example a***b (3)", LONG,
                  "row 5: id a***b, consent_flag null, note xxx",
                  "from raw web_consents > prp consents.id; see config/validation.yml:9"):  # fmt: skip
        assert words in text
    assert "<" not in text and "\n\n\n" not in text
    assert "No findings." in render([], [], page=TEXT_PAGE, **FACTS)
