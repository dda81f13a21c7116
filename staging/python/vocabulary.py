"""Load the vocabularies that people edit (config/vocabulary/*.csv) into staging tables.

Task      wf04_stage +vocabulary, ``py>: staging.python.vocabulary.main``
Reads     config/vocabulary/words.csv: kind, word (lower case), code, unique by kind and word;
          config/vocabulary/phone_rules.csv: one row per country, written by scripts/phone_rules.py
Writes    *database*.words__next, *database*.phone_rules__next: the same columns as text, plus
          built_for bigint (unix seconds of the session); replaced whole
Raises    TaskError for a row without its columns, a word in capitals or a word given twice; all told at once
"""

import csv
from pathlib import Path

from common.python.errors import TaskError

FOLDER = Path("config/vocabulary")


def main(database, session_unixtime):
    """Task entry. Plain named parameters: the runner passes workflow parameters by name."""
    from common.python import treasure

    session = int(session_unixtime)
    tables = {"words": read_words(FOLDER / "words.csv"), "phone_rules": read(FOLDER / "phone_rules.csv")}
    for name, found in tables.items():
        columns = {**dict.fromkeys(header(FOLDER / f"{name}.csv"), "varchar"), "built_for": "bigint"}
        columns["time"] = "bigint"
        rows = [{**row, "built_for": session, "time": session} for row in found]
        treasure.delete_table(database, f"{name}__next")
        treasure.insert_rows(database, f"{name}__next", columns, rows)


def header(path):
    """Return the names of a CSV file's columns."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        return next(csv.reader(file))


def read(path):
    """Return the rows of a CSV file as dicts of text, empty text for an empty cell.

    Args:
        path: file with a header line, UTF-8.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, restval=""))


def read_words(path):
    """Return the words of *path* after looking at each row.

    Args:
        path: CSV file with the columns kind, word, code.

    Raises:
        TaskError: with every faulty line, when there is one.
    """
    faults, seen = [], {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    for line, row in enumerate(rows, start=1):
        if len(row) != 3:
            faults.append(f"line {line} has {len(row)} cells instead of 3")
        elif line == 1 and row != ["kind", "word", "code"]:
            faults.append("line 1 is not kind,word,code")
        elif line > 1 and row[1] != row[1].lower():
            faults.append(f"line {line}: {row[1]!r} is not in small letters")
        elif line > 1 and tuple(row[:2]) in seen:
            faults.append(f"line {line}: {row[1]!r} stands in line {seen[tuple(row[:2])]} already")
        seen.setdefault(tuple(row[:2]), line)
    if faults:
        raise TaskError("; ".join(faults), where=str(path), mend="edit these lines")
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
