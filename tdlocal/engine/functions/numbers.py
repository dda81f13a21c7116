"""Numeric functions: decimals as Trino rounds them, statistics, numbers as text."""

from __future__ import annotations

import math
import re
from collections import Counter
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from statistics import NormalDist

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.functions.jsons import scientific

_WIDE = Context(prec=80)
LONGEST_DECIMAL = 38  # digits
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def double_text(value: float) -> str:
    """CAST(double AS varchar): `1.0E0`."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return scientific(repr(value))


def real_text(value: float) -> str:
    """Seven digits at most, in the same form."""
    if math.isnan(value) or math.isinf(value):
        return double_text(value)
    return scientific(repr(float(format(value, ".6e"))))


def _decimal(value: Decimal, scale: int) -> str:
    return format(value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, context=_WIDE), "f")


def double_decimal(value: float, scale: int) -> str:
    if math.isnan(value) or math.isinf(value):
        fail("INVALID_CAST_ARGUMENT", f"Cannot cast DOUBLE '{value}' to DECIMAL")
    return _decimal(Decimal(repr(value)), scale)


def decimal_times(one: str, two: str) -> str:
    product = _WIDE.multiply(Decimal(one), Decimal(two))
    if len(product.as_tuple().digits) > LONGEST_DECIMAL:
        fail("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return format(product, "f")


def decimal_over(one: str, two: str, scale: int) -> str:
    if not Decimal(two):
        fail("DIVISION_BY_ZERO", "Division by zero")
    return _decimal(_WIDE.divide(Decimal(one), Decimal(two)), scale)


def decimal_rest(one: str, two: str) -> str:
    if not Decimal(two):
        fail("DIVISION_BY_ZERO", "Division by zero")
    return format(_WIDE.remainder(Decimal(one), Decimal(two)), "f")


def round_decimal(value: str, digits: int) -> str:
    number = Decimal(value)
    if digits >= -(number.as_tuple().exponent):  # type: ignore[operator]
        return value
    return format(number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, context=_WIDE), "f")


def truncate_decimal(value: str, digits: int) -> str:
    number = Decimal(value)
    if digits >= -(number.as_tuple().exponent):  # type: ignore[operator]
        return value
    return format(number.quantize(Decimal(1).scaleb(-digits), ROUND_DOWN, context=_WIDE), "f")


def round_integer(value: int, digits: int) -> int:
    if digits >= 0:
        return value
    unit: int = 10**-digits
    size = (abs(value) + unit // 2) // unit * unit
    return size if value >= 0 else -size


def cbrt(value: float) -> float:
    """The double nearest to the root; the C library is one off for 27."""
    near = math.cbrt(value)
    if not math.isfinite(near):
        return near
    exact = Fraction(value)
    candidates = (near, math.nextafter(near, math.inf), math.nextafter(near, -math.inf))
    return min(candidates, key=lambda root: abs(Fraction(root) ** 3 - exact))


def checked_bound(start: int, stop: int) -> int:
    """0; raises where random(start, stop) has nothing to choose from."""
    if start >= stop:
        fail("INVALID_FUNCTION_ARGUMENT", "bound must be positive" if start == 0
             else "start value must be less than stop value")  # fmt: skip
    return 0


def from_base(text: str, base: int) -> int:
    _check_base(base)
    try:
        value = int(text, base)
    except ValueError:
        fail("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{base} number: {text}")
    if not -(2**63) <= value < 2**63:
        fail("INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{base} number: {text}")
    return value


def to_base(value: int, base: int) -> str:
    _check_base(base)
    if not value:
        return "0"
    digits, rest = "", abs(value)
    while rest:
        rest, digit = divmod(rest, base)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if value < 0 else digits


def _check_base(base: int) -> None:
    if not 2 <= base <= 36:
        fail("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")


def data_size(text: str) -> str:
    """parse_data_size: `2.3MB` in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMGTPEZY]?B)", text)
    if match is None:
        fail("INVALID_FUNCTION_ARGUMENT", f"Invalid data size: '{text}'")
    return str(int(Decimal(match[1]) * 1024 ** "BkMGTPEZY".index(match[2][0])))


def width_bucket(value: float, low: float, high: float, count: int) -> int:
    if math.isnan(value):
        fail("INVALID_FUNCTION_ARGUMENT", "operand must not be NaN")
    if count <= 0:
        fail("INVALID_FUNCTION_ARGUMENT", "bucketCount must be greater than 0")
    if low == high:
        fail("INVALID_FUNCTION_ARGUMENT", "bounds cannot equal each other")
    least, most = min(low, high), max(low, high)
    bucket = int(count * (value - least) / (most - least)) + 1 if least <= value < most else 0
    if value >= most:
        bucket = count + 1
    return bucket if low < high else count - bucket + 1


def wilson(successes: int, trials: int, z: float, side: int) -> float:
    """wilson_interval_lower and _upper."""
    if successes < 0 or trials <= 0 or successes > trials or z < 0:
        fail("INVALID_FUNCTION_ARGUMENT", "number of successes and trials do not fit")
    n, p = float(trials), successes / trials
    middle = p + z * z / (2 * n)
    spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle + side * spread) / (1 + z * z / n)


def normal_cdf(mean: float, deviation: float, value: float) -> float:
    return NormalDist(mean, deviation).cdf(value)


def inverse_normal_cdf(mean: float, deviation: float, p: float) -> float:
    """By the inverse error function of M. Giles, the approximation that Trino's library uses."""
    if not 0 < p < 1 or deviation <= 0:
        fail("INVALID_FUNCTION_ARGUMENT", "p must be in the interval (0, 1)")
    return mean + deviation * math.sqrt(2) * _inverse_erf(2 * p - 1)


_GILES = (
    (6.25, lambda w: w - 3.125,
     (-3.6444120640178196996e-21, -1.685059138182016589e-19, 1.2858480715256400167e-18,
     1.115787767802518096e-17,
      -1.333171662854620906e-16, 2.0972767875968561637e-17, 6.6376381343583238325e-15,
      -4.0545662729752068639e-14,
      -8.1519341976054721522e-14, 2.6335093153082322977e-12, -1.2975133253453532498e-11,
      -5.4154120542946279317e-11, 1.051212273321532285e-09, -4.1126339803469836976e-09,
      -2.9070369957882005086e-08,
      4.2347877827932403518e-07, -1.3654692000834678645e-06, -1.3882523362786468719e-05,
      0.0001867342080340571352,
      -0.00074070253416626697512, -0.0060336708714301490533, 0.24015818242558961693, 1.6536545626831027356)),
    (16.0, lambda w: math.sqrt(w) - 3.25,
     (2.2137376921775787049e-09, 9.0756561938885390979e-08, -2.7517406297064545428e-07,
     1.8239629214389227755e-08,
      1.5027403968909827627e-06, -4.013867526981545969e-06, 2.9234449089955446044e-06,
      1.2475304481671778723e-05,
      -4.7318229009055733981e-05, 6.8284851459573175448e-05, 2.4031110387097893999e-05,
      -0.0003550375203628474796,
      0.00095328937973738049703, -0.0016882755560235047313, 0.0024914420961078508066,
      -0.0037512085075692412107,
      0.005370914553590063617, 1.0052589676941592334, 3.0838856104922207635)),
    (math.inf, lambda w: math.sqrt(w) - 5.0,
     (-2.7109920616438573243e-11, -2.5556418169965252055e-10, 1.5076572693500548083e-09,
     -3.7894654401267369937e-09,
      7.6157012080783393804e-09, -1.4960026627149240478e-08, 2.9147953450901080826e-08,
      -6.7711997758452339498e-08,
      2.2900482228026654717e-07, -9.9298272942317002539e-07, 4.5260625972231537039e-06,
      -1.9681778105531670567e-05,
      7.5995277030017761139e-05, -0.00021503011930044477347, -0.00013871931833623122026,
      1.0103004648645343977,
      4.8499064014085844221)),
)  # fmt: skip


def _inverse_erf(x: float) -> float:
    w = -math.log((1.0 - x) * (1.0 + x))
    _, shifted, coefficients = next(part for part in _GILES if w < part[0])
    w, p = shifted(w), 0.0
    for coefficient in coefficients:
        p = coefficient + p * w
    return p * x


def beta_cdf(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function by its continued fraction."""
    if not 0 <= x <= 1 or a <= 0 or b <= 0:
        fail("INVALID_FUNCTION_ARGUMENT", "value must be in the interval [0, 1] and a, b > 0")
    if x in (0, 1):
        return float(x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        for step in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d = 1 / (1 + step * d)
            c = 1 + step / c
            result *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return result


def inverse_beta_cdf(a: float, b: float, p: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if beta_cdf(a, b, middle) < p else (low, middle)
    return (low + high) / 2


def t_cdf(x: float, degrees: float) -> float:
    tail = beta_cdf(degrees / 2, 0.5, degrees / (degrees + x * x)) / 2
    return 1 - tail if x > 0 else tail


def t_pdf(x: float, degrees: float) -> float:
    log = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2
    return math.exp(log - (degrees + 1) / 2 * math.log1p(x * x / degrees))


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def shift_left(value: int, count: int, bits: int) -> int:
    return _signed(value << count, bits) if 0 <= count < bits else 0


def shift_right(value: int, count: int, bits: int) -> int:
    return _signed((value & ((1 << bits) - 1)) >> count, bits) if 0 <= count < bits else 0


def shift_signed(value: int, count: int) -> int:
    return value >> min(count, 63)


def bit_count(value: int, bits: int) -> int:
    if not 2 <= bits <= 64 or not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        fail(
            "INVALID_FUNCTION_ARGUMENT",
            (
                f"Number must be representable with the bits specified. {value} can not be"
                f" represented with {bits} bits"
            ),
        )
    return (value & ((1 << bits) - 1)).bit_count()


def cosine(one: list[float | None], two: list[float | None]) -> float | None:
    if len(one) != len(two):
        fail("INVALID_FUNCTION_ARGUMENT", "The arguments must have the same length")
    left = [value for value in one if value is not None]
    right = [value for value in two if value is not None]
    if len(left) < len(one) or len(right) < len(two):
        return None
    return _cosine(list(zip(left, right, strict=True)), left, right)


def _cosine(pairs: list[tuple[float, float]], one: list[float], two: list[float]) -> float | None:
    length = math.sqrt(sum(a * a for a in one)) * math.sqrt(sum(b * b for b in two))
    if not length:
        fail("INVALID_FUNCTION_ARGUMENT", "Vector magnitude cannot be zero")
    return sum(a * b for a, b in pairs) / length


def cosine_maps(
    keys: list[str], values: list[float], others: list[str], weights: list[float]
) -> float | None:
    if None in values or None in weights:
        return None
    left, right = dict(zip(keys, values, strict=True)), dict(zip(others, weights, strict=True))
    return _cosine([(left[key], right[key]) for key in left if key in right], values, weights)


# -- aggregates over a list of all values


def skewness(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    n = len(known)
    if n < 3:
        return None
    mean = sum(known) / n
    m2, m3 = (sum((value - mean) ** power for value in known) for power in (2, 3))
    return math.sqrt(n) * m3 / m2**1.5 if m2 else float("nan")


def numeric_histogram(values: list[float | None], buckets: int) -> dict[float, float] | None:
    """Ben-Haim and Tom-Tov: the two nearest neighbours are merged until few enough are left."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    if buckets < 2:
        fail("INVALID_FUNCTION_ARGUMENT", "numeric_histogram bucket count must be greater than one")
    counts = sorted(Counter(known).items())
    points = [(value, float(count)) for value, count in counts]
    while len(points) > buckets:
        gaps = [points[i + 1][0] - points[i][0] for i in range(len(points) - 1)]
        at = gaps.index(min(gaps))
        (x, m), (y, n) = points[at], points[at + 1]
        points[at : at + 2] = [((x * m + y * n) / (m + n), m + n)]
    return dict(points)


def most_frequent(values: list[str | None], count: int) -> dict[str, int] | None:
    """approx_most_frequent, exactly."""
    known = Counter(value for value in values if value is not None)
    return dict(known.most_common(count)) if known else None
