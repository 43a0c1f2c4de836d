"""Elementary functions that give the same bits on every processor.

NumPy takes logarithms and exponentials by the widest vector unit that it finds, and the last bits differ from unit to
unit: two workers of different make could label the same customer differently. Sums, products, quotients and the parts
of a double are exact to the last bit everywhere, so these functions are made of nothing else. Methods and coefficients
are those of fdlibm (Sun Microsystems, 1993); errors stay within about a unit in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

_BLOCK = 8_192  # values whose intermediate results stay in the processor's cache
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # a multiple of the first is exact
_SQRT_HALF = 0.7071067811865476
_LOG = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)  # from the highest power of s² down, s = f / (2 + f)
_EXP = (
    4.13813679705723846039e-08,
    -1.65339022054652515390e-06,
    6.61375632143793436117e-05,
    -2.77777777770155933842e-03,
    1.66666666666666019037e-01,
)  # from the highest power of r² down
_UNDERFLOW = -800.0  # whose exponential is 0


def log1p(values: FloatArray) -> FloatArray:
    """Return log(1 + value) of values of any shape; -inf for -1, NaN below it and for NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _in_blocks(_log1p, values)


def exp(values: FloatArray) -> FloatArray:
    """Return the exponentials of values of any shape, none NaN or above 700; 0 where too small for a double."""
    return _in_blocks(_exp, values)


def _in_blocks(function: Callable[[FloatArray], FloatArray], values: FloatArray) -> FloatArray:
    found, flat = np.empty(values.size), values.ravel()
    for start in range(0, len(flat), _BLOCK):
        block = slice(start, start + _BLOCK)
        found[block] = function(flat[block])
    return found.reshape(values.shape)


def _log1p(values: FloatArray) -> FloatArray:
    """Take 1 + value = 2^k (1 + f) with 1 + f in [√½, √2), so that log(1 + value) = k log 2 + log(1 + f)."""
    whole = 1.0 + values
    mantissa, exponent = np.frexp(whole)
    is_low = mantissa < _SQRT_HALF
    mantissa = np.where(is_low, 2.0 * mantissa, mantissa)
    power = (exponent - is_low).astype(np.float64)
    is_near = power == 0.0
    f = np.where(is_near, values, mantissa - 1.0)
    # What rounding has taken off 1 + value, as a share of it; nothing where the value itself is f.
    lost = np.where(power > 0.0, 1.0 - (whole - values), values - (whole - 1.0)) / whole
    lost = np.where(is_near | ~np.isfinite(lost), 0.0, lost)
    half = 0.5 * f * f
    s = f / (2.0 + f)
    tail = s * (half + _polynomial(_LOG, s * s))
    found: FloatArray = power * _LN2_HIGH - ((half - (tail + (power * _LN2_LOW + lost))) - f)
    return np.where(np.isfinite(whole) & (whole > 0.0), found, np.log(whole))  # exact: ±inf and NaN


def _exp(values: FloatArray) -> FloatArray:
    """Take value = k log 2 + r with r in ±½ log 2, so that exp(value) = 2^k exp(r)."""
    bounded = np.maximum(values, _UNDERFLOW)
    power = np.rint(bounded / (_LN2_HIGH + _LN2_LOW))
    high, low = bounded - power * _LN2_HIGH, power * _LN2_LOW
    r = high - low
    c = r - _polynomial(_EXP, r * r)
    found: FloatArray = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    return np.ldexp(found, power.astype(np.int32))


def _polynomial(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """Return the polynomial without a constant, by Horner's method: the last coefficient is that of x."""
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        np.multiply(total, x, out=total)
        np.add(total, coefficient, out=total)
    return np.multiply(total, x, out=total)
