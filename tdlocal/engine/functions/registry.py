"""Registers the Python functions with DuckDB. Their names begin with `py_`, so no SQL of a client can
mean them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tdlocal.engine import td_times
from tdlocal.engine.functions import (
    agents,
    failing,
    formatting,
    geography,
    hashes,
    jsons,
    numbers,
    regexps,
    sqljson,
    stamps,
    texts,
)

T, I, D, B, X = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "BLOB"  # noqa: E741
# name: (function, argument types, result type); a null argument gives null without a call
PLAIN: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "fail": (failing.fail, [T, T], T),
    "bad_cast": (failing.bad_cast, [T, T], T),
    "bad_index": (failing.bad_index, [I, I], I),
    "time_add": (td_times.time_add, [I, T], I),
    "time_format": (td_times.time_format, [I, T, T], T),
    "time_string": (td_times.time_string, [I, T, T], T),
    "date_trunc": (td_times.date_trunc, [T, I, T], I),
    "time_parse": (td_times.time_parse, [T, T], I),
    "parse_agent": (agents.parse_agent, [T], "MAP(VARCHAR, VARCHAR)"),
    "ip_field": (geography.ip_field, [T, T], T),
    "ip_subdivisions": (geography.subdivisions, [T], "VARCHAR[]"),
    "zone": (stamps.py_zone, [T], T),
    "zone_of": (stamps.py_zone_of, [T], T),
    "zone_seconds": (stamps.zone_seconds, [I, T], I),
    "clock_seconds": (stamps.clock_seconds, [I, T], I),
    "zoned": (stamps.py_zoned, [T, T, B], I),
    "iso_micros": (stamps.iso_micros, [T, T], I),
    "iso_day": (stamps.iso_day, [T], I),
    "iso_zone": (stamps.iso_zone, [T, T], T),
    "offset_text": (stamps.offset_text, ["TIMESTAMPTZ", T], T),
    "offset_zone": (stamps.offset_zone, [I, I], T),
    "duration_millis": (stamps.duration_millis, [T], I),
    "date_parse": (stamps.date_parse, [T, T], "TIMESTAMP"),
    "parse_datetime": (stamps.parse_datetime, [T, T, T], I),
    "parse_datetime_zone": (stamps.parse_datetime_zone, [T, T, T], T),
    "format_datetime": (stamps.format_datetime, ["TIMESTAMP", T, T], T),
    "date_format": (stamps.date_format, ["TIMESTAMP", T], T),
    "days_text": (stamps.days_text, [I], T),
    "months_text": (stamps.months_text, [I], T),
    "human_seconds": (stamps.human_seconds, [D], T),
    "regexp_like": (regexps.like, [T, T], B),
    "regexp_extract": (regexps.extract, [T, T, I], T),
    "regexp_extract_all": (regexps.extract_all, [T, T, I], "VARCHAR[]"),
    "regexp_split": (regexps.split, [T, T], "VARCHAR[]"),
    "regexp_replace": (regexps.replace, [T, T, T], T),
    "regexp_pieces": (regexps.pieces, [T, T], "VARCHAR[]"),
    "regexp_groups": (regexps.groups, [T, T], "VARCHAR[][]"),
    "regexp_count": (regexps.count, [T, T], I),
    "regexp_position": (regexps.position, [T, T, I, I], I),
    "levenshtein": (texts.levenshtein, [T, T], I),
    "lower": (texts.lower, [T], T),
    "upper": (texts.upper, [T], T),
    "hamming": (texts.hamming, [T, T], I),
    "lpad": (texts.pad_left, [T, I, T], T),
    "rpad": (texts.pad_right, [T, I, T], T),
    "lpad_bytes": (texts.pad_left_bytes, [X, I, X], X),
    "rpad_bytes": (texts.pad_right_bytes, [X, I, X], X),
    "luhn": (texts.luhn, [T], B),
    "normalize": (texts.normalize, [T, T], T),
    "replace": (texts.replace, [T, T, T], T),
    "reverse": (texts.reverse, [T], T),
    "reverse_bytes": (texts.reverse_bytes, [X], X),
    "soundex": (texts.soundex, [T], T),
    "split": (texts.split, [T, T, I], "VARCHAR[]"),
    "split_to_map": (texts.split_to_map, [T, T, T], "MAP(VARCHAR, VARCHAR)"),
    "split_to_multimap": (texts.split_to_multimap, [T, T, T], "MAP(VARCHAR, VARCHAR[])"),
    "strpos": (texts.strpos, [T, T, I], I),
    "sub": (texts.sub, [T, I], T),
    "sub3": (texts.sub3, [T, I, I], T),
    "sub_bytes": (texts.sub_bytes, [X, I, I], X),
    "from_utf8": (texts.from_utf8, [X], T),
    "from_utf8_with": (texts.from_utf8_with, [X, T], T),
    "format_number": (texts.format_number, [D], T),
    "format": (formatting.java_format, [T, "VARCHAR[]"], T),
    "word_stem": (texts.word_stem, [T, T], T),
    "url_part": (texts.url_part, [T, T], T),
    "url_port": (texts.url_port, [T], I),
    "url_parameter": (texts.url_parameter, [T, T], T),
    "url_encode": (texts.url_encode, [T], T),
    "url_decode": (texts.url_decode, [T], T),
    "combinations": (texts.combinations, [I, I], "BIGINT[][]"),
    "ngrams": (texts.ngrams, [I, I], "BIGINT[][]"),
    "json_parse": (jsons.json_parse, [T], T),
    "json_double": (jsons.double, [D], T),
    "json_real": (jsons.real, ["FLOAT"], T),
    "json_field": (jsons.field, [T, T, I, I], T),
    "json_without_nulls": (jsons.without_nulls, [T], T),
    "json_extract": (jsons.extract, [T, T], T),
    "json_extract_scalar": (jsons.extract_scalar, [T, T], T),
    "json_size": (jsons.size, [T, T], I),
    "json_array_length": (jsons.array_length, [T], I),
    "json_array_get": (jsons.array_get, [T, I], T),
    "json_contains": (jsons.array_contains, [T, T], B),
    "json_exists": (sqljson.exists, [T, T, T, T], B),
    "json_value": (sqljson.value, [T, T, T, T, T], "STRUCT(v VARCHAR, state INTEGER)"),
    "json_query": (sqljson.query, [T, T, T, T, T, T, T], T),
    "json_rows": (sqljson.rows, [T, T, T], "VARCHAR[][]"),
    "double_text": (numbers.double_text, [D], T),
    "real_text": (numbers.real_text, ["FLOAT"], T),
    "double_decimal": (numbers.double_decimal, [D, I], T),
    "decimal_times": (numbers.decimal_times, [T, T], T),
    "decimal_over": (numbers.decimal_over, [T, T, I], T),
    "decimal_rest": (numbers.decimal_rest, [T, T], T),
    "round_decimal": (numbers.round_decimal, [T, I], T),
    "truncate_decimal": (numbers.truncate_decimal, [T, I], T),
    "round_integer": (numbers.round_integer, [I, I], I),
    "cbrt": (numbers.cbrt, [D], D),
    "from_base": (numbers.from_base, [T, I], I),
    "to_base": (numbers.to_base, [I, I], T),
    "width_bucket": (numbers.width_bucket, [D, D, D, I], I),
    "wilson": (numbers.wilson, [I, I, D, I], D),
    "normal_cdf": (numbers.normal_cdf, [D, D, D], D),
    "inverse_normal_cdf": (numbers.inverse_normal_cdf, [D, D, D], D),
    "beta_cdf": (numbers.beta_cdf, [D, D, D], D),
    "inverse_beta_cdf": (numbers.inverse_beta_cdf, [D, D, D], D),
    "t_cdf": (numbers.t_cdf, [D, D], D),
    "t_pdf": (numbers.t_pdf, [D, D], D),
    "checked_bound": (numbers.checked_bound, [I, I], I),
    "shift_left": (numbers.shift_left, [I, I, I], I),
    "shift_right": (numbers.shift_right, [I, I, I], I),
    "shift_signed": (numbers.shift_signed, [I, I], I),
    "bit_count": (numbers.bit_count, [I, I], I),
    "cosine": (numbers.cosine, ["DOUBLE[]", "DOUBLE[]"], D),
    "cosine_maps": (numbers.cosine_maps, ["VARCHAR[]", "DOUBLE[]", "VARCHAR[]", "DOUBLE[]"], D),
    "listagg": (texts.listagg, ["VARCHAR[]", T, T, B], T),
    "skewness": (numbers.skewness, ["DOUBLE[]"], D),
    "numeric_histogram": (numbers.numeric_histogram, ["DOUBLE[]", I], "MAP(DOUBLE, DOUBLE)"),
    "top": (numbers.most_frequent, ["VARCHAR[]", I], "MAP(VARCHAR, BIGINT)"),
    "sha1": (hashes.sha1, [X], X),
    "sha512": (hashes.sha512, [X], X),
    "hmac": (hashes.keyed, [T, X, X], X),
    "crc32": (hashes.crc32, [X], I),
    "xxhash64": (hashes.xxhash64, [X], X),
    "murmur3": (hashes.murmur3, [X], X),
    "from_hex": (hashes.from_hex, [T], X),
    "from_base64": (hashes.from_base64, [T], X),
    "to_base64url": (hashes.to_base64url, [X], T),
    "from_base64url": (hashes.from_base64url, [T], X),
    "to_base32": (hashes.to_base32, [X], T),
    "from_base32": (hashes.from_base32, [T], X),
    "to_ieee64": (hashes.to_ieee64, [D], X),
    "from_ieee64": (hashes.from_ieee64, [X], D),
    "to_ieee32": (hashes.to_ieee32, [D], X),
    "from_ieee32": (hashes.from_ieee32, [X], D),
    "data_size": (numbers.data_size, [T], T),
    "to_bytes": (hashes.to_bytes, [I, I], X),
    "from_bytes": (hashes.from_bytes, [X], I),
    "checksum_numbers": (hashes.checksum_numbers, ["BIGINT[]"], X),
    "checksum_texts": (hashes.checksum_texts, ["VARCHAR[]"], X),
}  # fmt: skip
# these see their null arguments
WITH_NULLS: dict[str, tuple[Callable[..., Any], list[str], str]] = {
    "parse_user_agent": (agents.parse_user_agent, [T, T], T),
}


# these may answer null though no argument is
NULLABLE = frozenset(
    """time_add time_parse time_format time_string date_trunc ip_field ip_subdivisions zone_of zoned iso_zone
    parse_datetime_zone format_datetime regexp_extract url_part url_port url_parameter json_extract
    json_extract_scalar json_field json_size json_array_length json_array_get json_contains json_exists
    json_query cosine cosine_maps skewness numeric_histogram top checksum_numbers checksum_texts""".split()
)


def null_in_null_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, called only when no argument is null."""

    @wraps(function)
    def called(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return called


def register(connection: Any) -> None:
    """Make every function known to all cursors of *connection*."""
    for name, (function, arguments, result) in PLAIN.items():
        if name in NULLABLE:
            connection.create_function(
                f"py_{name}", null_in_null_out(function), arguments, result, null_handling="special"
            )
        else:
            connection.create_function(f"py_{name}", function, arguments, result)
    for name, (function, arguments, result) in WITH_NULLS.items():
        connection.create_function(f"py_{name}", function, arguments, result, null_handling="special")
