"""Data files of every kind and every fault, read without an account."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tdlocal.errors import KitError
from tdlocal.files.delimited import Layout
from tdlocal.files.sources import open_source


def make(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path, layout=None, **options):
    """Return names, types and rows of a file."""
    source = open_source(path, layout or Layout(), **options)
    return source.names, source.types, list(source.rows())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"], ids=lambda e: e
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_unicode_is_found_by_mark_or_by_looking(tmp_path, encoding, packed):
    content = 'name,city\nZoë,Düsseldorf\n"O\'Neil, Seán",Łódź\n'.encode(encoding)
    path = make(tmp_path, "people.csv", gzip.compress(content) if packed else content)
    assert table(path) == (
        ["name", "city"],
        ["string", "string"],
        [["Zoë", "Düsseldorf"], ["O'Neil, Seán", "Łódź"]],
    )


def test_other_encodings_are_read_when_named(tmp_path):
    path = make(tmp_path, "a.csv", "city\nOrléans\n".encode("cp1252"))
    assert table(path, Layout(encoding="cp1252"))[2] == [["Orléans"]]


def test_bytes_of_another_encoding_are_told_with_their_line(tmp_path):
    lines = b"city\n" + b"Paris\n" * 5000 + b"Orl\xe9ans\n"
    path = make(tmp_path, "a.csv", lines)
    with pytest.raises(KitError, match=r"not utf-8.*a\.csv:5002.*--encoding cp1252"):
        table(path)


def test_an_unknown_encoding_is_refused(tmp_path):
    with pytest.raises(KitError, match="unknown encoding 'utf8000'"):
        table(make(tmp_path, "a.csv", "a\n1\n"), Layout(encoding="utf8000"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "a,b\n1,x\n"),
        ("a.csv", "a;b\n1;x\n"),
        ("a.csv", "a|b\n1|x\n"),
        ("a.csv", "a\tb\n1\tx\n"),
        ("a.tsv", "a\tb\n1\tx\n"),
        ("a.txt", "a\tb\r\n1\tx\r\n"),
    ],
)
def test_the_delimiter_is_found_by_looking(tmp_path, name, content):
    assert table(make(tmp_path, name, content)) == (["a", "b"], ["long", "string"], [["1", "x"]])


def test_the_delimiter_that_a_spreadsheet_names_in_the_first_line_is_used(tmp_path):
    assert table(make(tmp_path, "s.csv", "sep=|\nid|note\n1|a;b,c\n")) == (
        ["id", "note"], ["string", "string"], [["1", "a;b,c"]],
    )  # fmt: skip


def test_names_of_other_scripts_are_said_in_english_and_the_reader_is_told(tmp_path):
    source = open_source(make(tmp_path, "s.csv", "会員番号,Größe,備考,Prénom\n1,M,x,Zoé\n"), Layout())
    assert source.names == ["member_number", "grosse", "column_3", "prenom"]
    list(source.rows())
    assert [finding.split(": ")[-1] for finding in source.findings] == [
        "column 1, 会員番号, is called member_number", "column 3, 備考, is called column_3",
    ]  # fmt: skip


def test_commas_inside_quotes_and_line_ends_inside_values_are_values(tmp_path):
    path = make(tmp_path, "a.csv", 'a,b\n"1,5","two\nlines"\n')
    assert table(path)[2] == [["1,5", "two\nlines"]]


def test_a_file_without_header_takes_the_names_given(tmp_path):
    path = make(tmp_path, "a.csv", "1,x\n2,y\n")
    layout = Layout(header=False, columns=("Count", "ProductSKU"))
    assert table(path, layout) == (["count", "product_sku"], ["long", "string"], [["1", "x"], ["2", "y"]])
    with pytest.raises(KitError, match="needs names"):
        table(path, Layout(header=False))
    with pytest.raises(KitError, match="1 column names for 2 values"):
        table(path, Layout(header=False, columns=("a",)))


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("quantity", ["1", "-2", ""], "long"),
        ("amount", ["1", "2.50", "1e3"], "double"),
        ("amount", ["1", "2,50"], "string"),
        ("income", ["$90,000 "], "string"),
        ("zip", ["98011", "02134"], "string"),
        ("postal_code", ["98011"], "string"),
        ("CustomerKey", ["11000"], "string"),
        ("order_id", ["1", "2"], "string"),
        ("phone", ["4155550134"], "string"),
        ("serial", ["007", "8"], "string"),
        ("large", ["12345678901234567890"], "string"),
        ("sign", ["+1"], "string"),
        ("nothing", ["", ""], "string"),
        ("flag", ["true"], "string"),
    ],
)
def test_a_column_is_a_number_only_when_nothing_is_lost_by_it(tmp_path, column, values, expected):
    quoted = "".join(f'x,"{value}"\n' for value in values)
    assert table(make(tmp_path, "a.csv", f"k,{column}\n{quoted}"))[1][1] == expected


def test_types_may_be_named_and_all_text_asked_for(tmp_path):
    path = make(tmp_path, "a.csv", "a,b\n1,2\n")
    assert table(path, types={"a": "double"})[1] == ["double", "long"]
    assert table(path, all_text=True)[1] == ["string", "string"]
    with pytest.raises(KitError, match="no column c"):
        table(path, types={"c": "long"})


@pytest.mark.parametrize("line", ["1", "1,2,3", '"1'])
def test_a_ragged_or_broken_line_is_told_with_its_place(tmp_path, line):
    path = make(tmp_path, "a.csv", f"a,b\n1,2\n{line}\n")
    with pytest.raises(KitError, match=r"a\.csv:3"):
        table(path)


def test_bad_rows_are_left_out_and_told_when_asked(tmp_path):
    path = make(tmp_path, "a.csv", "a,b\n1,2\n3\n\n4,5,6\n7,8\n")
    source = open_source(path, Layout(skip_bad_rows=True))
    assert list(source.rows()) == [["1", "2"], ["7", "8"]]
    assert [finding.split(": ", 1)[1] for finding in source.findings] == [
        "1 values where the file has 2 columns; left out",
        "3 values where the file has 2 columns; left out",
    ]
    assert "a.csv:3:" in source.findings[0]
    assert "a.csv:5:" in source.findings[1]


def test_a_nul_byte_is_told_with_its_line(tmp_path):
    with pytest.raises(KitError, match=r"NUL byte.*a\.csv:3"):
        table(make(tmp_path, "a.csv", b"a,b\n1,2\n3,\x004\n"))


def test_columns_that_would_have_one_name_are_told(tmp_path):
    with pytest.raises(KitError, match=r"duplicate column names: order_id is column 1 and 3.*a\.csv:1"):
        table(make(tmp_path, "a.csv", "OrderID,b,order id\n1,2,3\n"))


def test_a_column_without_a_name_gets_its_place_as_name(tmp_path):
    assert table(make(tmp_path, "a.csv", ",b\n1,2\n"))[0] == ["column_1", "b"]


def test_an_empty_file_is_refused_and_a_head_alone_is_not(tmp_path):
    with pytest.raises(KitError, match="the file is empty"):
        table(make(tmp_path, "a.csv", ""))
    assert table(make(tmp_path, "b.csv", "a,b\n")) == (["a", "b"], ["string", "string"], [])


def test_a_cell_of_ten_megabytes_is_a_value(tmp_path):
    path = make(tmp_path, "a.csv", "a,b\n1," + "x" * 10_000_000 + "\n")
    assert len(table(path)[2][0][1]) == 10_000_000


def test_a_broken_gzip_file_is_told(tmp_path):
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)
    with pytest.raises(KitError, match="broken gzip"):
        table(make(tmp_path, "a.csv.gz", packed[: len(packed) // 2]))


def test_null_words_are_nothing(tmp_path):
    path = make(tmp_path, "a.csv", "k,n\nx,1\ny,NA\nz,\n")
    assert table(path, Layout(nulls=("NA",))) == (
        ["k", "n"],
        ["string", "long"],
        [["x", "1"], ["y", None], ["z", None]],
    )


def test_json_lines_keep_nested_values_as_text(tmp_path):
    records = [
        {"id": 5400000000001, "n": 1, "customer": {"id": "C1"}, "ok": True, "price": 2},
        {"id": 5400000000002, "n": None, "tags": ["a"], "price": 2.5, "note": "ü"},
    ]
    path = make(tmp_path, "a.jsonl", "\n".join(map(json.dumps, records)) + "\n\n")
    names, types, rows = table(path)
    assert names == ["id", "n", "customer", "ok", "price", "tags", "note"]
    assert types == ["string", "long", "string", "string", "double", "string", "string"]
    assert rows == [
        ["5400000000001", 1, '{"id":"C1"}', "true", 2, None, None],
        ["5400000000002", None, None, None, 2.5, '["a"]', "ü"],
    ]


@pytest.mark.parametrize(
    ("content", "what"), [('{"a":1}\n{"a":\n', "not JSON"), ('{"a":1}\n[1]\n', "not a JSON object")]
)
def test_a_line_that_is_no_object_is_told_with_its_place(tmp_path, content, what):
    with pytest.raises(KitError, match=rf"{what}.*a\.jsonl:2"):
        table(make(tmp_path, "a.jsonl", content))


def test_parquet_types_become_the_accounts(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "order_id": pa.array([1, 2]),
        "amount": pa.array([1.5, None]),
        "ok": pa.array([True, None]),
        "day": pa.array([0, None], pa.date32()),
        "tags": pa.array([["a"], None]),
    }
    pq.write_table(pa.table(columns), path)
    assert table(path) == (
        ["order_id", "amount", "ok", "day", "tags"],
        ["long", "double", "string", "string", "string"],
        [[1, 1.5, "true", "1970-01-01", '["a"]'], [2, None, None, None, None]],
    )


def test_what_is_no_parquet_file_is_told(tmp_path):
    with pytest.raises(KitError, match="not a Parquet file"):
        table(make(tmp_path, "a.parquet", "a,b\n"))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(KitError, match=r"no such file.*nowhere\.csv"):
        table(tmp_path / "nowhere.csv")
