"""Find records of one person by name and address, name and phone, or what else match.yml declares.

Task      wf05_unify +match, ``py>: unification.python.match.main``
Reads     unification/match.yml; match_records__next (queries/match_records.sql)
Writes    match_keys__next: for every link two rows, the identifiers of its two records and the link's key in
          the column of its rule: unify.yml's source of the keys name_address and name_phone
          match_links__next: rule, left_id, right_id varchar, weight, probability double, pattern varchar
          match_weights__next: rule, column_name varchar, level bigint, m, u, weight double
          match_findings__next: rule, finding varchar, records bigint
Raises    TaskError for a fault of match.yml or of its SQL
"""

from common.python import treasure
from common.python.errors import TaskError
from unification.python import matching, settings, weights

IDENTIFIERS = ("customer_id", "email", "phone_number", "order_no")
WEIGHT_COLUMNS = {
    "rule": "varchar",
    "column_name": "varchar",
    "level": "bigint",
    "m": "double",
    "u": "double",
    "weight": "double",
    "built_for": "bigint",
    "time": "bigint",
}
FINDING_COLUMNS = {
    "rule": "varchar",
    "finding": "varchar",
    "records": "bigint",
    "built_for": "bigint",
    "time": "bigint",
}


def main(database, session_unixtime, records="match_records__next"):
    """Task entry."""
    session = int(session_unixtime)
    rules = settings.rules_of(settings.read(settings.FILE))

    def run(sql):
        return treasure.run_query(database, sql, session_unixtime=session).rows

    learned, findings = [], []
    for rule in rules:
        model, counts = match(run, rule, records)
        learned += weight_rows(rule, model, session)
        if counts.skipped:
            findings.append({"rule": rule.name, "finding": "block too large, skipped",
                             "records": counts.skipped, "built_for": session})  # fmt: skip
        print(f"{rule.name}: {counts.records} records, {sum(counts.candidates.values())} pairs compared")
    run(results_script(rules, records, session))
    for table, columns, rows in (
        ("match_weights", WEIGHT_COLUMNS, learned),
        ("match_findings", FINDING_COLUMNS, findings),
    ):
        run(f"drop table if exists {table}__next; select 1 as done")
        # the session's time, not the clock's: the same session gives the same rows
        timed = [{**row, "time": row["built_for"]} for row in rows]
        treasure.insert_rows(database, f"{table}__next", columns, timed)


def links_of_table(database, records, settings_file):
    """Make ``match_<rule>_links`` for a table of records by the rules of *settings_file*; return their names.

    Args:
        database: where *records* is.
        records: table with record_id (unique) and the columns that the rules name.
        settings_file: a match.yml.
    """

    def run(sql):
        return treasure.run_query(database, sql).rows

    file = settings.read(settings_file)
    if file is None:
        raise TaskError(f"{settings_file} is not there", where="--match", mend="name a match.yml")
    rules = settings.rules_of(file)
    if not rules:
        raise TaskError("no rules", where=settings_file, mend="write matching: rules: …")
    for rule in rules:
        _, counts = match(run, rule, records)
        compared = sum(counts.candidates.values())
        skipped = f", {counts.skipped} records in blocks too large" if counts.skipped else ""
        print(f"{rule.name}: {counts.records} records, {compared} pairs compared{skipped}")
    return [rule.name for rule in rules]


def match(run, rule, records):
    """Make ``match_<rule>_links`` and return the model and the counts it was learned from.

    Args:
        run: takes SQL, returns the rows of its last statement.
        rule: a Rule.
        records: table with record_id and the rule's columns.
    """
    counts = matching.read_counts(rule, run(matching.compare_script(rule, records)))
    model = weights.estimate(
        [comparison.count for comparison in rule.compare],
        counts.candidates,
        counts.random_pairs,
        counts.equal_by_chance,
        [rule.agrees(block) for block in rule.block_by],
        counts.records * (counts.records - 1) // 2,
        [at for at, comparison in enumerate(rule.compare) if comparison.is_shared],
    )
    drops = "".join(f"drop table if exists {table};\n" for table in matching.work_tables(rule))
    run(matching.link_script(rule, model, counts.records) + drops + "select 1 as done")
    return model, counts


def weight_rows(rule, model, session):
    """Return one row for each level of each column: what was learned."""
    return [
        {
            "rule": rule.name,
            "column_name": comparison.column,
            "level": level,
            "m": model.m[at][level - 1],
            "u": model.u[at][level - 1],
            "weight": model.weight(at, level),
            "built_for": session,
        }
        for at, comparison in enumerate(rule.compare)
        for level in range(1, comparison.count + 1)
    ]


def results_script(rules, records, session):
    """Return statements for match_links__next and match_keys__next out of every rule's links."""
    keys = list(dict.fromkeys(["name_address", "name_phone", *(rule.name for rule in rules)]))
    return matching.statements(
        "results", "match", rules=rules, records=records, session=session, keys=keys, identifiers=IDENTIFIERS
    )
