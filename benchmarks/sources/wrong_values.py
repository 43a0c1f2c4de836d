"""Breaks that change values: units, signs, missing ones, columns, precision."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sources.breaks import SIZES, Source, changed, kind, some
from sources.layout import AGE, COUNTRY, KEY

Random = np.random.Generator


def _scaled(source: Source, name: str, factor: float, where: object = None) -> pd.DataFrame:
    everywhere = np.ones(len(source.tonight), dtype=np.bool_)
    return changed(source.tonight, everywhere if where is None else where, {name: source.tonight[name] * factor})


def _is_of_a_country(source: Source, rng: Random) -> pd.Series:
    countries = sorted(source.tonight[COUNTRY].unique())
    return source.tonight[COUNTRY].eq(countries[int(rng.integers(len(countries)))])


@kind("money in cents", "An amount comes in cents.", touches=1.0)
def cents(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 100)


@kind("money in thousands", "An amount comes in thousands.", touches=1.0)
def thousands(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 0.001)


@kind("gross in place of net", "Amounts include the value-added tax of 19 % since today.", touches=1.0)
def gross(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 1.19)


@kind(
    "a currency converted twice",
    "One country's amounts, which were converted before, were converted again by 0.85.",
    touches=None,
    least=SIZES[1],
)
def converted_twice(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 0.85, _is_of_a_country(source, rng))


@kind("one country's unit changed", "One country sends its amounts in thousands.", touches=None)
def country_unit(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 0.001, _is_of_a_country(source, rng))


@kind(
    "one country's decimal sign lost",
    "One country writes a comma that the load takes out of its amounts: 12,34 becomes 1234.",
    touches=None,
)
def decimal_lost(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 100, _is_of_a_country(source, rng))


@kind("a month in place of a year", "Sums are made over a month in place of a year.", touches=1.0)
def month_for_year(source: Source, rng: Random) -> pd.DataFrame:
    money, count = source.layout.money, source.layout.count
    values = {money: (source.tonight[money] / 12).round(2), count: (source.tonight[count] / 12).round()}
    return source.tonight.assign(**values)


@kind(
    "since ever in place of a year", "Sums are made over all years: one and a half to four times as much.", touches=1.0
)
def lifetime(source: Source, rng: Random) -> pd.DataFrame:
    money, count = source.layout.money, source.layout.count
    factor = rng.uniform(1.5, 4, len(source.tonight))
    values = {money: (source.tonight[money] * factor).round(2), count: (source.tonight[count] * factor).round()}
    return source.tonight.assign(**values)


@kind(
    "orders counted twice",
    "A file of orders was loaded twice, and counts for three customers in ten a second time.",
    touches=0.3,
)
def counted_twice(source: Source, rng: Random) -> pd.DataFrame:
    money, count = source.layout.money, source.layout.count
    where = some(source.tonight, 0.3, rng)
    return changed(source.tonight, where, {name: 2 * source.tonight[name] for name in (money, count)})


@kind("two columns swapped", "A select by position takes one column for the other.", touches=1.0)
def swapped(source: Source, rng: Random) -> pd.DataFrame:
    money, count = source.layout.money, source.layout.count
    return source.tonight.assign(**{money: source.tonight[count], count: source.tonight[money].round()})


@kind("one column constant", "A default took the place of a column's values.", touches=1.0)
def constant(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{source.layout.money: float(source.tonight[source.layout.money].median())})


@kind("one column empty", "A column was renamed in the system before, and its values are missing here.", touches=1.0)
def empty(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{source.layout.other: np.nan})


@kind("one column missing for a country", "One country's part of a join found nothing.", touches=None)
def empty_for_country(source: Source, rng: Random) -> pd.DataFrame:
    return changed(source.tonight, _is_of_a_country(source, rng), {source.layout.other: np.nan})


@kind(
    "an eighth of the ages missing", "An eighth of the birthdays could not be read, and nobody is told.", touches=0.12
)
def ages_missing(source: Source, rng: Random) -> pd.DataFrame:
    return changed(source.tonight, some(source.tonight, 0.12, rng), {AGE: np.nan})


@kind("a stale column", "One column is that of a month ago for everybody who was there then.", touches=None)
def stale(source: Source, rng: Random) -> pd.DataFrame:
    former, name = source.ago(30).drop_duplicates(KEY), source.layout.money
    old = source.tonight[KEY].map(former.set_index(KEY)[name])
    return source.tonight.assign(**{name: old.fillna(source.tonight[name])})


@kind("zeros for what is missing", "A tool writes 0 where there is no value.", touches=None)
def zeros_for_nulls(source: Source, rng: Random) -> pd.DataFrame:
    names = (source.layout.other, AGE)
    return source.tonight.assign(**{name: source.tonight[name].fillna(0.0) for name in names})


@kind("nothing for zeros", "A tool writes no value where there is a 0.", touches=None)
def nulls_for_zeros(source: Source, rng: Random) -> pd.DataFrame:
    names = (source.layout.money, source.layout.count)
    return source.tonight.assign(**{name: source.tonight[name].replace(0.0, np.nan) for name in names})


@kind("999 for what is missing", "A tool writes 999 where there is no value.", touches=None)
def sentinel_999(source: Source, rng: Random) -> pd.DataFrame:
    names = (source.layout.other, AGE)
    return source.tonight.assign(**{name: source.tonight[name].fillna(999.0) for name in names})


@kind("-1 for what is missing", "A tool writes -1 where there is no value.", touches=None)
def sentinel_minus_one(source: Source, rng: Random) -> pd.DataFrame:
    names = (source.layout.other, AGE)
    return source.tonight.assign(**{name: source.tonight[name].fillna(-1.0) for name in names})


@kind(
    "the mean for what is missing", "Somebody fills in the mean where there is no value.", touches=None, least=SIZES[1]
)
def mean_for_nulls(source: Source, rng: Random) -> pd.DataFrame:
    names = (source.layout.other, AGE)
    return source.tonight.assign(
        **{name: source.tonight[name].fillna(round(float(source.tonight[name].mean()))) for name in names}
    )


@kind("numbers as text", "Amounts are written for people: 1.234,50 €.", touches=1.0)
def text_numbers(source: Source, rng: Random) -> pd.DataFrame:
    money = source.tonight[source.layout.money]
    text = [f"{value:,.2f} €".translate(str.maketrans(",.", ".,")) for value in money]
    return source.tonight.assign(**{source.layout.money: pd.Series(text, index=money.index, dtype=object)})


@kind("truncated to whole numbers", "A column became an integer, and amounts lose their cents.", touches=1.0)
def truncated(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{source.layout.money: np.trunc(source.tonight[source.layout.money])})


@kind("clipped at a limit", "A limit meant for a chart cuts the highest fifth of the amounts.", touches=0.2)
def clipped(source: Source, rng: Random) -> pd.DataFrame:
    money = source.tonight[source.layout.money]
    return source.tonight.assign(**{source.layout.money: money.clip(upper=float(money.quantile(0.8)))})


@kind("rounded to hundreds", "A report's rounding to hundreds went into the table.", touches=1.0)
def rounded(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{source.layout.money: source.tonight[source.layout.money].round(-2)})


@kind(
    "outliers by a wrong join", "Three customers in a hundred got the sum of a whole group of companies.", touches=0.03
)
def outliers(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, 1000, some(source.tonight, 0.03, rng))


@kind("ages are years of birth", "The age is the year of birth since today.", touches=1.0)
def birth_years(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{AGE: 2026 - source.tonight[AGE]})


@kind("the sign flipped", "Amounts are booked from the other side, and negative.", touches=1.0)
def flipped(source: Source, rng: Random) -> pd.DataFrame:
    return _scaled(source, source.layout.money, -1)


@kind(
    "values wrap at 32,767",
    "A column became a 16-bit integer of cents, and large amounts begin anew from zero.",
    touches=None,
)
def wrapped(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight.assign(**{source.layout.money: (source.tonight[source.layout.money] * 100 % 32_768 / 100)})


@kind("country codes in another spelling", "Countries come by their names in place of their codes.", touches=1.0)
def other_codes(source: Source, rng: Random) -> pd.DataFrame:
    names = {"DE": "Germany", "FR": "France", "IT": "Italy", "CH": "Switzerland", "AT": "Austria"}
    return source.tonight.assign(**{COUNTRY: source.tonight[COUNTRY].map(names)})
