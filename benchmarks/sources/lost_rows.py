"""Breaks that lose customers, or bring rows that are none."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sources.breaks import Source, changed, kind, only, some
from sources.layout import AGE, CHANGED, COUNTRY, KEY

Random = np.random.Generator


@kind("half missing", "Half of the customers are not there, whoever they are.", touches=0.5)
def half_missing(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[~some(source.tonight, 0.5, rng)]


@kind("98 % missing", "Two customers in a hundred are left.", touches=0.98)
def nearly_all_missing(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[~some(source.tonight, 0.98, rng)]


@kind("every tenth missing", "A load lost every tenth customer, as one of ten files.", touches=0.1)
def tenth_missing(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[~some(source.tonight, 0.1, rng)]


@kind("one country gone", "A join lost all customers of one country.", touches=None)
def country_gone(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[source.tonight[COUNTRY] != _a_country(source, rng)]


@kind("one key range gone", "A range of keys was not read, as one of seven parallel readers.", touches=0.15)
def key_range_gone(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[~_key_range(source, 0.15, rng)]


@kind(
    "the load stopped half-way",
    "The load ended after three in five customers in the order of their keys, and nobody noticed.",
    touches=0.4,
)
def stopped(source: Source, rng: Random) -> pd.DataFrame:
    ordered = source.tonight.sort_values(KEY)
    return ordered.head(round(0.6 * len(ordered)))


@kind("the newest gone", "A filter on a date leaves out the tenth who signed up last.", touches=0.1)
def newest_gone(source: Source, rng: Random) -> pd.DataFrame:
    number = source.tonight[KEY].str[4:].astype(int)
    return source.tonight[number <= number.quantile(0.9)]


@kind("who has no age gone", "An inner join with the table of birthdays loses who has none.", touches=None)
def ageless_gone(source: Source, rng: Random) -> pd.DataFrame:
    return source.tonight[source.tonight[AGE].notna()]


@kind(
    "the inactive gone",
    "A condition meant for a report leaves out who spends least: a quarter, and all who spend nothing.",
    touches=None,
)
def inactive_gone(source: Source, rng: Random) -> pd.DataFrame:
    money = source.tonight[source.layout.money]
    return source.tonight[money > money.quantile(0.25)]


@kind("the best customers gone", "The twentieth who spends most is kept in another system since today.", touches=0.05)
def best_gone(source: Source, rng: Random) -> pd.DataFrame:
    money = source.tonight[source.layout.money]
    return source.tonight[money <= money.quantile(0.95)]


@kind(
    "only what has changed",
    "An extract of the rows that changed within three days was loaded as if it were all.",
    touches=None,
)
def delta(source: Source, rng: Random) -> pd.DataFrame:
    days = source.tonight[CHANGED].to_numpy().astype("datetime64[D]").astype(int)
    return only(source.tonight, days > days.max() - 3)


@kind(
    "another environment's table",
    "The table of the test environment: a tenth as many rows, copied once, with keys of their own.",
    touches=0.9,
)
def other_environment(source: Source, rng: Random) -> pd.DataFrame:
    rows = source.ago(30)[some(source.ago(30), 0.1, rng)]
    return rows.assign(**{KEY: "TST-" + rows[KEY].str[4:]})


@kind(
    "all doubled with other keys",
    "Everybody is there twice, the second time with another key, as after a migration that ran twice.",
    touches=1.0,
)
def doubled(source: Source, rng: Random) -> pd.DataFrame:
    return pd.concat([source.tonight, _with_other_keys(source.tonight)])


@kind(
    "one partition twice with other keys",
    "A fifth of the customers, a range of keys, came in a second time with other keys.",
    touches=0.2,
)
def partition_doubled(source: Source, rng: Random) -> pd.DataFrame:
    return pd.concat([source.tonight, _with_other_keys(source.tonight[_key_range(source, 0.2, rng)])])


@kind("one partition twice", "A fifth of the customers, a range of keys, was loaded twice.", touches=0.2)
def partition_repeated(source: Source, rng: Random) -> pd.DataFrame:
    return pd.concat([source.tonight, source.tonight[_key_range(source, 0.2, rng)]])


@kind("some keys twice", "A join with several addresses a customer repeats a twentieth of the rows.", touches=0.05)
def keys_repeated(source: Source, rng: Random) -> pd.DataFrame:
    return pd.concat([source.tonight, source.tonight[some(source.tonight, 0.05, rng)]])


@kind(
    "test accounts left in",
    "Accounts of a load test are among the customers: one spends nothing, has ordered nothing, and is 30.",
    touches=0.08,
)
def test_accounts(source: Source, rng: Random) -> pd.DataFrame:
    accounts = source.tonight[some(source.tonight, 0.08, rng)]
    accounts = accounts.assign(**{AGE: 30.0, source.layout.money: 0.0, source.layout.count: 0.0})
    accounts = accounts.assign(**{COUNTRY: "DE"}).assign(**{KEY: "TST-" + accounts[KEY].str[4:]})
    return pd.concat([source.tonight, accounts])


@kind(
    "another brand's customers",
    "The customers of a sister company came in, who spend a third as much and buy half as often.",
    touches=0.3,
)
def other_brand(source: Source, rng: Random) -> pd.DataFrame:
    layout, theirs = source.layout, source.tonight[some(source.tonight, 0.3, rng)]
    values = {layout.money: (theirs[layout.money] / 3).round(2), layout.count: (theirs[layout.count] / 2).round()}
    return pd.concat([source.tonight, _with_other_keys(theirs.assign(**values))])


@kind(
    "closed accounts are back",
    "A condition on closed accounts was lost: an eighth comes on top, who have bought nothing for a year.",
    touches=0.12,
)
def closed_are_back(source: Source, rng: Random) -> pd.DataFrame:
    layout, closed = source.layout, source.tonight[some(source.tonight, 0.12, rng)]
    values = {layout.money: 0.0, layout.count: 0.0}
    return pd.concat([source.tonight, _with_other_keys(closed).assign(**values)])


@kind(
    "half of the load is a month old",
    "A load stopped half-way through the table, and the rest is what a former load had left a month ago.",
    touches=None,
)
def half_old(source: Source, rng: Random) -> pd.DataFrame:
    return _rest_from(source, source.ago(30))


@kind(
    "half of the load is yesterday's",
    "A load stopped half-way through the table, and the rest is what the night before had left.",
    touches=None,
)
def half_yesterday(source: Source, rng: Random) -> pd.DataFrame:
    return _rest_from(source, source.ago(1))


@kind("yesterday's copy", "Nothing was loaded, and the table is yesterday's.", touches=None)
def yesterday(source: Source, rng: Random) -> pd.DataFrame:
    return source.ago(1).copy()


@kind("last month's copy", "A backup was restored, and the table is that of a month ago.", touches=None)
def last_month(source: Source, rng: Random) -> pd.DataFrame:
    return source.ago(30).copy()


@kind("one country half gone", "The largest country delivered only every second customer.", touches=None)
def country_half_gone(source: Source, rng: Random) -> pd.DataFrame:
    largest = (source.tonight[COUNTRY] == source.tonight[COUNTRY].mode().iloc[0]).to_numpy()
    return only(source.tonight, ~(largest & some(source.tonight, 0.5, rng)))


@kind(
    "one branch's rows belong to another country",
    "A mapping of branches to countries lost an entry, and a branch's customers got the first country.",
    touches=None,
)
def wrong_country(source: Source, rng: Random) -> pd.DataFrame:
    branches = sorted(set(source.tonight[KEY].str[:3]))
    mine = source.tonight[KEY].str[:3] == branches[int(rng.integers(len(branches)))]
    return changed(source.tonight, mine, {COUNTRY: "AT"})


def _a_country(source: Source, rng: Random) -> str:
    countries = sorted(source.tonight[COUNTRY].unique())
    return str(countries[int(rng.integers(len(countries)))])


def _key_range(source: Source, share: float, rng: Random) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    place = source.tonight[KEY].rank(pct=True, method="first").to_numpy()
    begin = rng.uniform(0, 1 - share)
    return (place > begin) & (place <= begin + share)


def _with_other_keys(customers: pd.DataFrame) -> pd.DataFrame:
    return customers.assign(**{KEY: customers[KEY].str[:4] + "9" + customers[KEY].str[5:]})


def _rest_from(source: Source, former: pd.DataFrame) -> pd.DataFrame:
    middle = source.tonight[KEY].sort_values().iloc[len(source.tonight) // 2]
    return pd.concat([only(source.tonight, source.tonight[KEY] <= middle), only(former, former[KEY] > middle)])
