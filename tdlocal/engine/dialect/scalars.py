"""The scalar functions of Trino that are one line: signature = DuckDB text. See `signatures` for how to
read it."""

from __future__ import annotations

from tdlocal.engine.dialect.signatures import Table

MATHEMATICS = """
abs(N) N = abs($0)
cbrt(double) double = py_cbrt($0)
degrees(double) double = degrees($0)
e() double = exp(CAST(1 AS DOUBLE))
exp(double) double = exp($0)
from_base(varchar, bigint) bigint = py_from_base($0, $1)
infinity() double = CAST('Infinity' AS DOUBLE)
inverse_normal_cdf(double, double, double) double = py_inverse_normal_cdf($0, $1, $2)
normal_cdf(double, double, double) double = py_normal_cdf($0, $1, $2)
beta_cdf(double, double, double) double = py_beta_cdf($0, $1, $2)
inverse_beta_cdf(double, double, double) double = py_inverse_beta_cdf($0, $1, $2)
t_cdf(double, double) double = py_t_cdf($0, $1)
t_pdf(double, double) double = py_t_pdf($0, $1)
is_finite(double) boolean = isfinite($0)
is_infinite(double) boolean = isinf($0)
is_nan(real) boolean = isnan($0)
is_nan(double) boolean = isnan($0)
ln(double) double = CASE WHEN $0 > 0 THEN ln($0) WHEN $0 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN $0 IS
    NULL THEN NULL ELSE CAST('NaN' AS DOUBLE) END
log(double, double) double = (ln($1) / ln($0))
log2(double) double = CASE WHEN $0 > 0 THEN log2($0) WHEN $0 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN
    $0 IS NULL THEN NULL ELSE CAST('NaN' AS DOUBLE) END
log10(double) double = CASE WHEN $0 > 0 THEN log10($0) WHEN $0 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN
    $0 IS NULL THEN NULL ELSE CAST('NaN' AS DOUBLE) END
nan() double = CAST('NaN' AS DOUBLE)
pi() double = pi()
pow(double, double) double = pow($0, $1)
power(double, double) double = pow($0, $1)
radians(double) double = radians($0)
rand() double = random()
random() double = random()
random(integer) integer = CAST(floor(random() * $0) AS INTEGER) + py_checked_bound(0, $0)
random(bigint) bigint = CAST(floor(random() * $0) AS BIGINT) + py_checked_bound(0, $0)
random(integer, integer) integer = CAST($0 + floor(random() * ($1 - $0)) AS INTEGER) +
    py_checked_bound($0, $1)
random(bigint, bigint) bigint = CAST($0 + floor(random() * ($1 - $0)) AS BIGINT) + py_checked_bound($0, $1)
rand(integer) integer = CAST(floor(random() * $0) AS INTEGER) + py_checked_bound(0, $0)
rand(bigint) bigint = CAST(floor(random() * $0) AS BIGINT) + py_checked_bound(0, $0)
rand(integer, integer) integer = CAST($0 + floor(random() * ($1 - $0)) AS INTEGER) + py_checked_bound($0,
    $1)
rand(bigint, bigint) bigint = CAST($0 + floor(random() * ($1 - $0)) AS BIGINT) + py_checked_bound($0, $1)
sign(tinyint) tinyint = CAST(sign($0) AS TINYINT)
sign(smallint) smallint = CAST(sign($0) AS SMALLINT)
sign(integer) integer = CAST(sign($0) AS INTEGER)
sign(bigint) bigint = CAST(sign($0) AS BIGINT)
sign(decimal) decimal(1,0) = CAST(sign($0) AS DECIMAL(1,0))
sign(double) double = CASE WHEN isnan($0) THEN $0 ELSE CAST(sign($0) AS DOUBLE) END
sqrt(double) double = CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($0) END
to_base(bigint, bigint) varchar(64) = py_to_base($0, $1)
truncate(real) real = trunc($0)
truncate(double) double = trunc($0)
width_bucket(double, double, double, bigint) bigint = py_width_bucket($0, $1, $2, $3)
width_bucket(double, array(double)) bigint = CASE WHEN len($1) = 0 THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Bins cannot be an empty array') AS BIGINT) WHEN
    list_sort($1) <> $1 THEN CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Bin values are not sorted in ascending
    order') AS BIGINT) ELSE
    CAST(len(list_filter($1, lambda b_: b_ <= $0)) AS BIGINT) END
wilson_interval_lower(bigint, bigint, double) double = py_wilson($0, $1, $2, -1)
wilson_interval_upper(bigint, bigint, double) double = py_wilson($0, $1, $2, 1)
sin(double) double = sin($0)
cos(double) double = cos($0)
tan(double) double = tan($0)
asin(double) double = CASE WHEN abs($0) > 1 THEN CAST('NaN' AS DOUBLE) ELSE asin($0) END
acos(double) double = CASE WHEN abs($0) > 1 THEN CAST('NaN' AS DOUBLE) ELSE acos($0) END
atan(double) double = atan($0)
atan2(double, double) double = atan2($0, $1)
sinh(double) double = sinh($0)
cosh(double) double = cosh($0)
tanh(double) double = tanh($0)
bitwise_and(bigint, bigint) bigint = ($0 & $1)
bitwise_or(bigint, bigint) bigint = ($0 | $1)
bitwise_xor(bigint, bigint) bigint = xor($0, $1)
bitwise_not(bigint) bigint = (~$0)
bitwise_left_shift(tinyint, bigint) tinyint = py_shift_left($0, $1, 8)
bitwise_left_shift(smallint, bigint) smallint = py_shift_left($0, $1, 16)
bitwise_left_shift(integer, bigint) integer = CAST(py_shift_left($0, $1, 32) AS INTEGER)
bitwise_left_shift(bigint, bigint) bigint = py_shift_left($0, $1, 64)
bitwise_right_shift(tinyint, bigint) tinyint = CAST(py_shift_right($0, $1, 8) AS TINYINT)
bitwise_right_shift(smallint, bigint) smallint = CAST(py_shift_right($0, $1, 16) AS SMALLINT)
bitwise_right_shift(integer, bigint) integer = CAST(py_shift_right($0, $1, 32) AS INTEGER)
bitwise_right_shift(bigint, bigint) bigint = py_shift_right($0, $1, 64)
bitwise_right_shift_arithmetic(tinyint, bigint) tinyint = CAST(py_shift_signed($0, $1) AS TINYINT)
bitwise_right_shift_arithmetic(smallint, bigint) smallint = CAST(py_shift_signed($0, $1) AS SMALLINT)
bitwise_right_shift_arithmetic(integer, bigint) integer = CAST(py_shift_signed($0, $1) AS INTEGER)
bitwise_right_shift_arithmetic(bigint, bigint) bigint = py_shift_signed($0, $1)
bit_count(bigint, bigint) bigint = py_bit_count($0, $1)
cosine_similarity(map(varchar,double), map(varchar,double)) double = py_cosine_maps(map_keys($0),
    map_values($0), map_keys($1), map_values($1))
cosine_similarity(array(double), array(double)) double = py_cosine($0, $1)
cosine_distance(array(double), array(double)) double = (1 - py_cosine($0, $1))
dot_product(array(double), array(double)) double = list_dot_product($0, $1)
euclidean_distance(array(double), array(double)) double = CASE WHEN len($0) <> len($1) THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'The arguments must have the same length') AS DOUBLE) ELSE
    sqrt(list_sum(list_transform(list_zip($0, $1), lambda z_: pow(z_[1] - z_[2], 2)))) END
"""

TEXTS = """
chr(bigint) varchar(1) = chr(CAST($0 AS INTEGER))
codepoint(varchar(1)) integer = CASE WHEN length($0) = 1 THEN unicode($0) WHEN $0 IS NOT NULL THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'Input string must be a single character string') AS INTEGER)
    END
from_utf8(varbinary) varchar = py_from_utf8($0)
from_utf8(varbinary, varchar) varchar = py_from_utf8_with($0, $1)
from_utf8(varbinary, bigint) varchar = py_from_utf8_with($0, chr(CAST($1 AS INTEGER)))
hamming_distance(varchar, varchar) bigint = CASE WHEN length($0) <> length($1) THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'The input strings to hamming_distance function must have
    the same length') AS BIGINT) ELSE py_hamming($0, $1) END
length(varchar) bigint = length($0)
length(char) bigint = length($0)
length(varbinary) bigint = octet_length($0)
levenshtein_distance(varchar, varchar) bigint = CASE WHEN strlen($0) = length($0) AND strlen($1) =
    length($1) THEN levenshtein($0, $1) ELSE py_levenshtein($0, $1) END
lower(S) S = CASE WHEN strlen($0) = length($0) THEN lower($0) ELSE py_lower($0) END
upper(S) S = CASE WHEN strlen($0) = length($0) THEN upper($0) ELSE py_upper($0) END
lpad(varbinary, bigint, varbinary) varbinary = py_lpad_bytes($0, $1, $2)
rpad(varbinary, bigint, varbinary) varbinary = py_rpad_bytes($0, $1, $2)
ltrim(char) varchar = CASE WHEN $0[1] BETWEEN '!' AND '~' THEN $0 ELSE ltrim($0, $BLANKS) END
ltrim(S) S = CASE WHEN $0[1] BETWEEN '!' AND '~' THEN $0 ELSE ltrim($0, $BLANKS) END
rtrim(char) varchar = CASE WHEN $0[-1] BETWEEN '!' AND '~' THEN $0 ELSE rtrim($0, $BLANKS) END
rtrim(S) S = CASE WHEN $0[-1] BETWEEN '!' AND '~' THEN $0 ELSE rtrim($0, $BLANKS) END
trim(char) varchar = CASE WHEN $0[1] BETWEEN '!' AND '~' AND $0[-1] BETWEEN '!' AND '~' THEN $0 ELSE
    trim($0, $BLANKS) END
trim(S) S = CASE WHEN $0[1] BETWEEN '!' AND '~' AND $0[-1] BETWEEN '!' AND '~' THEN $0 ELSE
    trim($0, $BLANKS) END
ltrim(S, varchar) S = ltrim($0, $1)
rtrim(S, varchar) S = rtrim($0, $1)
trim(S, varchar) S = trim($0, $1)
luhn_check(varchar) boolean = py_luhn($0)
normalize(varchar, varchar) varchar = py_normalize($0, $1)
reverse(S) S = py_reverse($0)
reverse(varbinary) varbinary = py_reverse_bytes($0)
reverse(array(T)) array(T) = list_reverse($0)
soundex(varchar) varchar(4) = py_soundex($0)
split(S, varchar) array(S) = CASE WHEN $1 = '' THEN CAST(py_fail('INVALID_FUNCTION_ARGUMENT',
    'The delimiter may not be the empty string') AS VARCHAR[]) ELSE str_split($0, $1) END
split(S, varchar, bigint) array(S) = py_split($0, $1, $2)
split_part(S, varchar, bigint) S = CASE WHEN $2 > 0 THEN str_split($0, $1)[$2] WHEN $2 IS
    NULL THEN NULL ELSE py_fail('INVALID_FUNCTION_ARGUMENT', 'Index must be greater than zero') END
split_to_map(varchar, varchar, varchar) map(varchar,varchar) = py_split_to_map($0, $1, $2)
split_to_multimap(varchar, varchar, varchar) map(varchar,array(varchar)) = py_split_to_multimap($0, $1, $2)
starts_with(varchar, varchar) boolean = starts_with($0, $1)
strpos(varchar, varchar) bigint = CAST(instr($0, $1) AS BIGINT)
strpos(varchar, varchar, bigint) bigint = py_strpos($0, $1, $2)
translate(varchar, varchar, varchar) varchar = translate($0, $1, $2)
to_utf8(varchar) varbinary = encode($0)
word_stem(varchar) varchar = py_word_stem($0, 'en')
word_stem(varchar, varchar) varchar = py_word_stem($0, $1)
parse_data_size(varchar) decimal(38,0) = CAST(py_data_size($0) AS DECIMAL(38,0))
parse_presto_data_size(varchar) decimal(38,0) = CAST(py_data_size($0) AS DECIMAL(38,0))
format_number(double) varchar = py_format_number($0)
human_readable_seconds(double) varchar = py_human_seconds($0)
uuid() uuid = uuid()
version() varchar = '476'
bar(double, bigint) varchar = py_fail('NOT_SUPPORTED', 'bar')
regexp_count(varchar, varchar) bigint = py_regexp_count($0, $1)
regexp_position(varchar, varchar) integer = CAST(py_regexp_position($0, $1, 1, 1) AS INTEGER)
regexp_position(varchar, varchar, bigint) integer = CAST(py_regexp_position($0, $1, $2, 1) AS INTEGER)
regexp_position(varchar, varchar, bigint, bigint) integer = CAST(py_regexp_position($0, $1, $2, $3) AS
    INTEGER)
"""

BINARIES = """
to_hex(varbinary) varchar = hex($0)
from_hex(varchar) varbinary = py_from_hex($0)
to_base64(varbinary) varchar = to_base64($0)
from_base64(varchar) varbinary = py_from_base64($0)
to_base64url(varbinary) varchar = py_to_base64url($0)
from_base64url(varchar) varbinary = py_from_base64url($0)
to_base32(varbinary) varchar = py_to_base32($0)
from_base32(varchar) varbinary = py_from_base32($0)
md5(varbinary) varbinary = unhex(md5($0))
sha1(varbinary) varbinary = py_sha1($0)
sha256(varbinary) varbinary = unhex(sha256($0))
sha512(varbinary) varbinary = py_sha512($0)
hmac_md5(varbinary, varbinary) varbinary = py_hmac('md5', $0, $1)
hmac_sha1(varbinary, varbinary) varbinary = py_hmac('sha1', $0, $1)
hmac_sha256(varbinary, varbinary) varbinary = py_hmac('sha256', $0, $1)
hmac_sha512(varbinary, varbinary) varbinary = py_hmac('sha512', $0, $1)
crc32(varbinary) bigint = py_crc32($0)
xxhash64(varbinary) varbinary = py_xxhash64($0)
murmur3(varbinary) varbinary = py_murmur3($0)
spooky_hash_v2_32(varbinary) varbinary = CAST(py_fail('NOT_SUPPORTED', 'spooky_hash_v2_32 is not
    supported by the local account') AS BLOB)
to_ieee754_64(double) varbinary = py_to_ieee64($0)
from_ieee754_64(varbinary) double = py_from_ieee64($0)
to_ieee754_32(real) varbinary = py_to_ieee32($0)
from_ieee754_32(varbinary) real = CAST(py_from_ieee32($0) AS FLOAT)
to_big_endian_64(bigint) varbinary = py_to_bytes($0, 8)
from_big_endian_64(varbinary) bigint = py_from_bytes($0)
to_big_endian_32(integer) varbinary = py_to_bytes($0, 4)
from_big_endian_32(varbinary) integer = CAST(py_from_bytes($0) AS INTEGER)
"""

JSONS = """
json_array_contains(varchar, boolean) boolean = py_json_contains($0, CAST($1 AS VARCHAR))
json_array_contains(varchar, bigint) boolean = py_json_contains($0, CAST($1 AS VARCHAR))
json_array_contains(varchar, double) boolean = py_json_contains($0, CAST($1 AS VARCHAR))
json_array_contains(varchar, varchar) boolean = py_json_contains($0, CAST(to_json($1) AS VARCHAR))
json_array_contains(json, bigint) boolean = py_json_contains($0, CAST($1 AS VARCHAR))
json_array_contains(json, varchar) boolean = py_json_contains($0, CAST(to_json($1) AS VARCHAR))
json_array_get(varchar, bigint) json = py_json_array_get($0, $1)
json_array_get(json, bigint) json = py_json_array_get($0, $1)
json_array_length(varchar) bigint = py_json_array_length($0)
json_array_length(json) bigint = py_json_array_length($0)
json_format(json) varchar = $0
json_parse(varchar) json = py_json_parse($0)
is_json_scalar(varchar) boolean = (json_type($0) NOT IN ('OBJECT', 'ARRAY'))
is_json_scalar(json) boolean = (json_type($0) NOT IN ('OBJECT', 'ARRAY'))
"""

ARRAYS = """
all_match(array(T), f(T,boolean)) boolean = CASE WHEN $0 IS NULL THEN NULL WHEN
    list_contains(list_transform($0, $1), false) THEN false WHEN list_position(list_transform($0, $1),
    NULL) IS NOT NULL THEN NULL ELSE true END
any_match(array(T), f(T,boolean)) boolean = CASE WHEN $0 IS NULL THEN NULL WHEN
    list_contains(list_transform($0, $1), true) THEN true WHEN list_position(list_transform($0, $1),
    NULL) IS NOT NULL THEN NULL ELSE false END
none_match(array(T), f(T,boolean)) boolean = CASE WHEN $0 IS NULL THEN NULL WHEN
    list_contains(list_transform($0, $1), true) THEN false WHEN list_position(list_transform($0, $1),
    NULL) IS NOT NULL THEN NULL ELSE true END
array_distinct(array(T)) array(T) = list_filter($0, lambda e_, i_: list_position($0, e_) = i_)
array_except(array(T), array(T)) array(T) = CASE WHEN $1 IS NULL THEN NULL ELSE list_filter($0, lambda
    e_, i_: list_position($0, e_) = i_ AND list_position($1, e_) IS NULL) END
array_intersect(array(T), array(T)) array(T) = CASE WHEN $1 IS NULL THEN NULL ELSE list_filter($0,
    lambda e_, i_: list_position($0, e_) = i_ AND list_position($1, e_) IS NOT NULL) END
array_union(array(T), array(T)) array(T) = CASE WHEN $0 IS NULL OR $1 IS NULL THEN NULL ELSE
    list_filter(list_concat($0, $1), lambda e_, i_: list_position(list_concat($0, $1), e_) = i_) END
array_histogram(array(T)) map(T,bigint) = CASE WHEN $0 IS NULL THEN NULL ELSE
    map_from_entries(list_transform(list_filter($0, lambda e_, i_: e_ IS NOT NULL AND list_position($0,
    e_) = i_), lambda e_: struct_pack(k := e_, v := len(list_filter($0, lambda o_: o_ = e_))))) END
array_max(array(real)) real = CASE WHEN list_position($0, NULL) IS NULL THEN
    coalesce(list_max(list_filter($0, lambda e_: NOT isnan(e_))), $0[1]) END
array_max(array(double)) double = CASE WHEN list_position($0, NULL) IS NULL THEN
    coalesce(list_max(list_filter($0, lambda e_: NOT isnan(e_))), $0[1]) END
array_max(array(T)) T = CASE WHEN list_position($0, NULL) IS NULL THEN list_max($0) END
array_min(array(T)) T = CASE WHEN list_position($0, NULL) IS NULL THEN list_min($0) END
array_position(array(T), T) bigint = CASE WHEN $0 IS NULL OR $1 IS NULL THEN NULL ELSE
    coalesce(list_position($0, $1), 0) END
array_remove(array(T), T) array(T) = CASE WHEN $1 IS NULL THEN NULL ELSE list_filter($0, lambda e_: e_
    IS DISTINCT FROM $1) END
array_sort(array(T)) array(T) = list_sort($0, 'ASC', 'NULLS LAST')
arrays_overlap(array(T), array(T)) boolean = CASE WHEN list_has_any($0, $1) THEN true WHEN
    list_position($0, NULL) IS NOT NULL OR list_position($1, NULL) IS NOT NULL THEN NULL ELSE
    list_has_any($0, $1) END
cardinality(array(T)) bigint = len($0)
cardinality(hyperloglog) bigint = len($0)
empty_approx_set() hyperloglog = CAST([] AS UBIGINT[])
value_at_quantile(tdigest, double) double = $0[least(CAST(floor($1 * len($0)) AS BIGINT) + 1, len($0))]
value_at_quantile(qdigest(T), double) T = $0[least(CAST(floor($1 * len($0)) AS BIGINT) + 1, len($0))]
values_at_quantiles(tdigest, array(double)) array(double) = list_transform($1, lambda q_:
    $0[least(CAST(floor(q_ * len($0)) AS BIGINT) + 1, len($0))])
values_at_quantiles(qdigest(T), array(double)) array(T) = list_transform($1, lambda q_:
    $0[least(CAST(floor(q_ * len($0)) AS BIGINT) + 1, len($0))])
cardinality(map(K,V)) bigint = CAST(cardinality($0) AS BIGINT)
contains(array(T), T) boolean = CASE WHEN $0 IS NULL OR $1 IS NULL THEN NULL WHEN list_contains($0, $1)
    THEN true WHEN list_position($0, NULL) IS NOT NULL THEN NULL ELSE false END
contains_sequence(array(T), array(T)) boolean = (len($1) = 0 OR len($1) <= len($0) AND
    list_bool_or(list_transform(range(1, len($0) - len($1) + 2), lambda i_: $0[i_:i_ + len($1) - 1] = $1)))
element_at(array(T), bigint) T = $0[CASE WHEN $1 = 0 THEN CAST(py_bad_index($1, 0) AS BIGINT) ELSE $1 END]
element_at(map(K,V), K) V = $0[$1]
filter(array(T), f(T,boolean)) array(T) = list_filter($0, $1)
flatten(array(array(T))) array(T) = flatten($0)
repeat(T, bigint) array(T) = CASE WHEN $1 IS NULL THEN NULL WHEN $1 NOT BETWEEN 0 AND 10000 THEN
    list_slice([$0], 1, CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'count argument of repeat function must be
    between 0 and 10000') AS BIGINT)) ELSE list_resize(list_slice([$0], 1, 0), $1,
    $0) END
sequence(bigint, bigint) array(bigint) = CASE WHEN abs($1 - $0) >= 10000 THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'result of sequence
    function must not have more than 10000 entries') AS BIGINT[]) WHEN $0 <= $1 THEN
    generate_series($0, $1) ELSE
    generate_series($0, $1, -1) END
sequence(bigint, bigint, bigint) array(bigint) = CASE WHEN ($1 - $0) * $2 < 0 OR $2 = 0 THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'sequence stop value should be greater than or equal to
    start value if step is greater than zero otherwise stop should be less than or equal to start') AS
    BIGINT[]) WHEN ($1 - $0) // $2 >= 10000 THEN CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'result of sequence
    function must not have more than 10000 entries') AS BIGINT[]) ELSE generate_series($0,
    $1, $2) END
sequence(date, date) array(date) = CAST(CASE WHEN $0 <= $1 THEN generate_series(CAST($0 AS TIMESTAMP),
    CAST($1 AS TIMESTAMP), to_days(1)) ELSE generate_series(CAST($0 AS TIMESTAMP), CAST($1 AS
    TIMESTAMP), to_days(-1)) END AS DATE[])
sequence(date, date, interval day to second) array(date) = CASE WHEN epoch_ms(CAST('1970-01-01' AS
    TIMESTAMP) + $2) % 86400000 <> 0 THEN CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'sequence step must be a
    day interval if start and end values are dates') AS DATE[]) ELSE CAST(generate_series(CAST($0 AS
    TIMESTAMP), CAST($1 AS TIMESTAMP), $2) AS DATE[]) END
sequence(date, date, interval year to month) array(date) = list_transform(range(0, CAST(date_sub('month',
    $0, $1) // (datepart('year', $2) * 12 + datepart('month', $2)) + 1 AS BIGINT)), lambda i_: CAST($0 +
    to_months(CAST(i_ * (datepart('year', $2) * 12 + datepart('month', $2)) AS INTEGER)) AS DATE))
sequence(T, T, interval day to second) array(T) = generate_series($0, $1, $2)
sequence(T, T, interval year to month) array(T) = list_transform(range(0,
    CAST(date_sub('month', $0, $1) // (datepart('year', $2) * 12 + datepart('month', $2)) + 1 AS BIGINT)),
    lambda i_: $0 + to_months(CAST(i_ * (datepart('year', $2) * 12 + datepart('month', $2)) AS INTEGER)))
shuffle(array(T)) array(T) = list_sort($0)
slice(array(T), bigint, bigint) array(T) = CASE WHEN $2 < 0 THEN list_slice($0, 1,
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'length must be greater than or equal to 0') AS BIGINT))
    WHEN $1 > 0 THEN list_slice($0, $1, $1 + $2 - 1) WHEN $1
    = 0 THEN list_slice($0, 1, CAST(py_bad_index(0, 0) AS BIGINT)) WHEN -$1 > len($0) THEN
    list_slice($0, 1, 0) ELSE list_slice($0, len($0) + $1 + 1, len($0) + $1 + $2) END
transform(array(T), f(T,U)) array(U) = list_transform($0, $1)
trim_array(array(T), bigint) array(T) = list_slice($0, 1, CASE WHEN $1 NOT BETWEEN 0 AND len($0) THEN
    CAST(py_fail('INVALID_FUNCTION_ARGUMENT', 'size must be between 0 and the length of the array') AS BIGINT)
    ELSE len($0) - $1 END)
"""

MAPS = """
map() map(unknown,unknown) = MAP()
map(array(K), array(V)) map(K,V) = map($0, $1)
map_entries(map(K,V)) array(row(K,V)) = list_transform(map_entries($0), lambda e_: struct_pack(f1 :=
    e_.key, f2 := e_.value))
map_from_entries(array(row(K,V))) map(K,V) = CASE WHEN $0 IS NULL THEN NULL ELSE map(list_transform($0,
    lambda e_: e_.f1), list_transform($0, lambda e_: e_.f2)) END
map_keys(map(K,V)) array(K) = map_keys($0)
map_values(map(K,V)) array(V) = map_values($0)
multimap_from_entries(array(row(K,V))) map(K,array(V)) = CASE WHEN $0 IS NULL THEN NULL ELSE
    map(list_filter(list_transform($0, lambda e_: e_.f1), lambda k_, i_:
    list_position(list_transform($0, lambda e_: e_.f1), k_) = i_),
    list_transform(list_filter(list_transform($0, lambda e_: e_.f1), lambda k_, i_:
    list_position(list_transform($0, lambda e_: e_.f1), k_) = i_), lambda k_:
    list_transform(list_filter($0, lambda e_: e_.f1 = k_), lambda e_: e_.f2))) END
"""

# What Java calls white space, which trim() takes away. DuckDB makes a set of it for every row, so values that
# visibly begin and end with no white space are left alone first.
_BLANKS = " || ".join(
    f"chr({one})"
    for one in (*range(9, 14), *range(28, 33), 0x1680, *range(0x2000, 0x2007), *range(0x2008, 0x200B), 0x2028,
                0x2029, 0x205F, 0x3000)
)  # fmt: skip
_PARTS = (MATHEMATICS, TEXTS.replace("$BLANKS", _BLANKS), BINARIES, JSONS, ARRAYS, MAPS)
SCALARS = Table("\n".join(part.strip() for part in _PARTS))
