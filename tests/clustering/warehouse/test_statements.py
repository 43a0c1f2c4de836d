"""What in a statement is a value, what a part, and what is only text."""

from __future__ import annotations

import pytest

from clustering.warehouse.statements import Part, Statement, Value, named_statements

TEXT_ONLY = {
    "cast": "select '1'::bigint, current_date::text::varchar(9)",
    "text with a colon": "select 'at :noon', '12:30:00'::time, 'it''s :late'",
    "text with braces": "select '{}'::text[], '{a}', '{\"a\": {b}}'::jsonb ->> 'a'",
    "text with a backslash": r"select '\', E'it\'s :late', e'\\', '{a}'",
    "quoted identifier": 'select ":a", "{b}", "say "":c""" from "d:e"',
    "line comment": "select 1 -- it's :a or {b}\n-- don't :c\n, 2",
    "block comment": "select 1 /* it's :a /* or :b */ and {c} */, 2",
    "comment without an end": "select 1 /* it's /* :a */ {b}",
    "signs of comments in a text": "select '--', '/*' -- '",
    "operators of jsonb": "select a ? 'b', a ?| array['c'], a ?& array['d'], a @> '{}', a #>> '{e,f}', a @? '$.g'",
    "percent signs": "select 7 % 2, a like 'b%', format('%s of %I', c, d), '%(e)s', 100%3",
    "slice": "select a[1:2], a[:2], a[1:], a[:], a[b:c], a[f(1):d], a[b[1]:c], a['1'::int:d], a[\"b\":c], a[1 : d]",
    "assignment": "do $$ begin a := 1; a:=b; end $$",
    "body": "do $do$ begin perform ':a', b[1 :c], :d; -- it's {e} :f\nend $do$",
    "body of a text": "select $$it's :a$$, $q$ $$ :b $$ $q$, $1, a$b$c",
    "body without an end": "select $a$ it's 1",
    "braces around no name": "select {}, {1,3}, { a }, {a b}",
    "colons around no name": "select : a, :1, a ::b, ':'",
    "named argument": "select make_interval(hours => 1)",
}


@pytest.mark.parametrize("text", TEXT_ONLY.values(), ids=TEXT_ONLY.keys())
def test_text_only(text: str) -> None:
    """What looks like a value or a part in a text, a comment, a cast or a slice is none, and nothing is lost."""
    statement = Statement(text)
    assert (statement.values, statement.parts) == (set(), set())
    assert "".join(piece for piece in statement.pieces if isinstance(piece, str)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (":a", ["", Value("a"), ""]),
        ("a=:a::text", ["a=", Value("a"), "::text"]),
        ("(:a,:b)", ["(", Value("a"), ",", Value("b"), ")"]),
        ("'x'||:a||'y'", ["'x'||", Value("a"), "||'y'"]),
        ("':no' <> :a -- :no\n%:b", ["':no' <> ", Value("a"), " -- :no\n%", Value("b"), ""]),
        ("/* :no */:a", ["/* :no */", Value("a"), ""]),
        ("array[:a, :b]", ["array[", Value("a"), ", ", Value("b"), "]"]),
        ("places[1 : :n]", ["places[1 : ", Value("n"), "]"]),
        ("values ->> :key ? :other", ["values ->> ", Value("key"), " ? ", Value("other"), ""]),
        (":a_1:", ["", Value("a_1"), ":"]),
        ("$$ :no $$ || :a", ["$$", " :no ", "$$ || ", Value("a"), ""]),
        ("{key}{cast} = :id", ["", Part("key"), "", Part("cast"), " = ", Value("id"), ""]),
        (":id::{key_type}", ["", Value("id"), "::", Part("key_type"), ""]),
        ("a.{b}.{c}", ["a.", Part("b"), ".", Part("c"), ""]),
        ("'{no}' {a} \"{no}\"", ["'{no}' ", Part("a"), ' "{no}"']),
        ("x[{a}:no]", ["x[", Part("a"), ":no]"]),
        ("do $f$ alter {t}; '{no}' $f$", ["do $f$", " alter ", Part("t"), "; '{no}' ", "$f$"]),
        ("$f$ $g$ {a} $g$ $f$", ["$f$", " $g$", " ", Part("a"), " ", "$g$ ", "$f$"]),
    ],
)
def test_values_and_parts(text: str, pieces: list[object]) -> None:
    """Values and parts are found among text; between dollar quotes there are parts alone."""
    assert [*Statement(text).pieces] == pieces


def test_values_and_parts_by_name() -> None:
    """A name counts once, however often it stands there."""
    statement = Statement("select {b}, {a}, :d from {b} where :c < :d")
    assert (statement.values, statement.parts) == ({"c", "d"}, {"a", "b"})


def test_named_statements() -> None:
    """A file's statements have the comments that follow their names, and lack the semicolon at their end alone."""
    text = "-- The basket.\n\n-- name: one\n-- Returns 1;\nselect 1;\n\n-- name: two\nselect 2;\nselect ';';\n"
    assert named_statements(text) == [
        ("one", Statement("-- name: one\n-- Returns 1;\nselect 1")),
        ("two", Statement("-- name: two\nselect 2;\nselect ';'")),
    ]
    assert named_statements("") == named_statements("select 1;\n") == []
