"""Numbers as registries write them, exact until they are the catalogue's."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.generic.mapping.layout import ValueField
    from adapters.reading import Reader
    from standards.states import JsonValue

_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
"""More digits than two numbers of a registry have together, so that sums do not depend on their order."""
_ROUNDINGS: Final = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "down": ROUND_DOWN}
_LIMIT: Final = Decimal(10) ** 18
_GROUPS: Final = {".": r"[,\s'\u2019]", ",": r"[.\s'\u2019]"}
_WRITTEN: Final = {
    sign: re.compile(rf"([+-]?)(\d{{1,18}}|\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}})(?:[{sign}](\d{{1,18}}))?")
    for sign, group in _GROUPS.items()
}
_NO_DIGIT: Final = re.compile(r"\D")


def exact(reader: Reader, label: str, value: object, sign: Literal[".", ","] = ".") -> Decimal | None:
    """Return a number as it is written, also from a text: digits may stand in groups, and nothing is guessed."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        found = _WRITTEN[sign].fullmatch(value.strip())
        if found is None:
            if not value.strip():
                return None
            reader.refuse(label, "not a number")
        number = Decimal(f"{found[1]}{_NO_DIGIT.sub('', found[2])}.{found[3] or 0}")
    elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        reader.refuse(label, "not a number")
    else:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or abs(number) >= _LIMIT:
        reader.refuse(label, "not a number")
    return number


def scaled(field: ValueField) -> Callable[[Decimal], Decimal]:
    """Return what turns a number into the catalogue's unit."""
    if field.factor is None:
        return lambda number: number
    factor = Decimal(repr(field.factor))
    return lambda number: _EXACT.multiply(number, factor)


def whole_scaled(field: ValueField) -> Callable[[int], int] | None:
    """Return the same for whole numbers that become tens, hundreds... of themselves, rounded to whole ones.

    None where that is not all that is to be done. It is the usual case of money, and several times quicker.
    """
    if field.factor is None or field.decimals != 0 or field.type == "decimal" or field.share_of is not None:
        return None
    sign, digits, exponent = Decimal(repr(field.factor)).normalize().as_tuple()
    if sign or digits != (1,) or not isinstance(exponent, int) or exponent >= 0:
        return None
    by: int = 10**-exponent
    half = by // 2
    rounding = field.rounding

    def scale(number: int) -> int:
        amount, rest = divmod(abs(number), by)
        if rounding != "down" and (rest > half or (rest == half and (rounding == "half_up" or amount % 2))):
            amount += 1
        return -amount if number < 0 else amount

    return scale


def shared(number: Decimal, among: int) -> Decimal:
    """Return one of equal shares."""
    return _EXACT.divide(number, Decimal(among))


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Return the sum."""
    result = Decimal(0)
    for number in numbers:
        result = _EXACT.add(result, number)
    return result


def finished(reader: Reader, label: str, number: Decimal, field: ValueField) -> JsonValue:
    """Return a number in the type of the catalogue: rounded where that is declared, and never otherwise."""
    if abs(number) >= _LIMIT:
        reader.refuse(label, "out of all bounds")  # of 64 bits, which is what a number may have on the wire
    is_shared = field.share_of is not None
    if field.decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-field.decimals), _ROUNDINGS[field.rounding], _EXACT)
    elif is_shared and field.type != "decimal":
        number = number.quantize(Decimal(1), context=_EXACT)  # a share of a whole number is rarely whole
    if abs(number) >= _LIMIT:  # a factor or a sum may lead beyond what any answer can hold
        reader.refuse(label, "a number beyond all bounds")
    if field.type == "decimal":
        return float(number)
    if number != number.to_integral_value():
        reader.refuse(label, "not a whole number; `decimals: 0` rounds it")
    return int(number)
