"""Trino's and others' JavaScript clients, as their own pages use them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tdlocal.local_server import LocalServer

PACKAGES = ["trino-client@0.2.9", "presto-client@1.2.0", "lento@0.3.2"]
PROGRAM = """
import {Trino, BasicAuth} from "trino-client"
import presto from "presto-client"
import lento from "lento"
const [port, user] = process.argv.slice(2)
const common = {port: Number(port), user, catalog: "td-presto", schema: "information_schema"}
const ends = {}
async function trino(sql) {
  const options = {server: `http://127.0.0.1:${port}`, ...common, auth: new BasicAuth(user)}
  const rows = []
  for await (const reply of await Trino.create(options).query(sql)) {
    if (reply.error) return reply.error.errorName
    rows.push(...(reply.data ?? []))
  }
  return rows
}
const old = engine => sql => new Promise(done => {
  const rows = []
  new presto.Client({host: "127.0.0.1", engine, ...common}).execute({
    query: sql, data: (_, data) => rows.push(...data), success: () => done(rows),
    error: error => done(error.errorName),
  })
})
const light = sql => new Promise(done =>
  lento({hostname: "127.0.0.1", ...common}).query(sql, (error, rows) =>
    done(error ? error.message.split(":")[0] : rows.map(Object.values))))
const clients = {trino, "presto-client": old("trino"), "presto-client of old": old("presto"), lento: light}
for (const [name, ask] of Object.entries(clients)) {
  const many = await ask("select n, m from table(sequence(1, 10000)) a (n) cross join (values 1, 2, 3) b (m)")
  ends[name] = [await ask("select 1 a, 'x' b"), await ask("select nope"), many.length]
}
console.log(JSON.stringify(ends))
process.exit(0)
"""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("npm"), reason="no npm")]


def test_rows_errors_and_pages(server: LocalServer, tmp_path: Path) -> None:
    got = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *PACKAGES],
        cwd=tmp_path, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    if got.returncode:
        pytest.skip("npm reaches no registry")
    (tmp_path / "program.mjs").write_text(PROGRAM)
    port = server.url.rpartition(":")[2]
    run = subprocess.run(
        ["node", "program.mjs", port, server.key], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr[:3000]
    ended = [[[1, "x"]], "COLUMN_NOT_FOUND", 30000]
    names = ("trino", "presto-client", "presto-client of old", "lento")
    assert json.loads(run.stdout) == dict.fromkeys(names, ended)
