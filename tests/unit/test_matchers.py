import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.lane import Matcher, MatchOp
from shared.policy.matchers import MatcherError, parse_matchers
from shared.policy.re2 import RegexError, compile_re2
from shared.policy.utf8_matchers import parse_utf8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo=bar", [("foo", "=", "bar")]),
        (' foo != "bar baz" ', [("foo", "!=", "bar baz")]),
        ('foo=~"a|b"', [("foo", "=~", "a|b")]),
        ("foo!~b.r", [("foo", "!~", "b.r")]),
        ("foo=", [("foo", "=", "")]),
        ('foo=""', [("foo", "=", "")]),
        (r'foo="a\"b\\c\nd"', [("foo", "=", 'a"b\\c\nd')]),
        (r'foo=~"a\.b\d"', [("foo", "=~", r"a\.b\d")]),
        ('{a="b", c=~"d,e"}', [("a", "=", "b"), ("c", "=~", "d,e")]),
        ('a="b",c!="}"', [("a", "=", "b"), ("c", "!=", "}")]),
        ('{a="b",}', [("a", "=", "b")]),
        ("{}", []),
        ('resource:service_name="web"', [("resource:service_name", "=", "web")]),
        ("foo==bar", [("foo", "=", "=bar")]),
    ],
)
def test_the_classic_grammar_is_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Names, the four operators, quotes with escapes, braces and commas are understood."""
    assert [(m.name, m.op, m.value) for m in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", "}", ",", "{,}", "foo", "=bar", 'foo="bar', 'foo=bar"', 'foo="a"b"', 'a="'),
        *('foo="a" bar', 'a=b,"', "foo bar=baz", "a=b,,c=d", 'a="\\"', "{{a=b}}"),
    ],
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    """Anything else is an error whose message quotes it."""
    with pytest.raises(MatcherError):
        parse_matchers(text)


# From the page the parser names, https://prometheus.io/docs/alerting/latest/configuration/#matcher
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo=bar", [("foo", "=", "bar")]),
        ("foo=~[a-zA-Z]+", [("foo", "=~", "[a-zA-Z]+")]),
        ("Προμηθεύς=Προμηθεύς", [("Προμηθεύς", "=", "Προμηθεύς")]),
        ('"foo!"="bar,baz"', [("foo!", "=", "bar,baz")]),
        (r'foo="\"baz qux\""', [("foo", "=", '"baz qux"')]),
        (r'"my label"!="\xf0\x9f\x99\x82"', [("my label", "!=", "🙂")]),
        (r'foo!~"\\d+"', [("foo", "!~", r"\d+")]),
        (r'"foo"="\a\b\f\n\r\t\v\\\101\u00e9\U0001F642"', [("foo", "=", "\a\b\f\n\r\t\v\\Aé🙂")]),
        ('foo=""', [("foo", "=", "")]),
        ('{"foo.bar"=~"a|b"}', [("foo.bar", "=~", "a|b")]),
        (
            '{\n   alertname = "Watchdog",\n   severity =~ "warning|critical",\n}',
            [("alertname", "=", "Watchdog"), ("severity", "=~", "warning|critical")],
        ),
        ("{}", []),
    ],
)
def test_names_in_quotes_are_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    """The documentation's examples of UTF-8 matchers are read as it says."""
    assert [(name, op.value, value) for name, op, value in parse_utf8(text)] == expected
    assert [(m.name, m.op.value, m.value) for m in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    "text",
    [
        *("foo=", "=foo", "foo!=bar!", "foo=bar baz", "foo='bar'", "foo=`bar`", '""="x"', "{,}"),
        *('foo="a', 'foo="a"b', r'foo="\q"', r'foo="\xff"', r'foo="\U00110000"', 'foo="a\nb"'),
        *('{a="b"', 'a="b"}', '{{a="b",}}', 'a="b",,c="d"', ',a="b"', "a==b", r"foo=a\b"),
    ],
)
def test_what_is_no_utf8_matcher_is_refused(text: str) -> None:
    """A missing part, a reserved character outside quotes, an escape Go does not have."""
    with pytest.raises(ValueError):  # noqa: PT011 - parse_matchers shows the classic error instead
        parse_utf8(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo=", [("foo", "=", "")]),
        (r'qux="\xf0\x9f\x99\x82"', [("qux", "=", r"\xf0\x9f\x99\x82")]),
        (r'foo=~"\d+"', [("foo", "=~", r"\d+")]),
        ("{foo=bar", [("foo", "=", "bar")]),
        ('resource:my-label="x"', [("resource:my-label", "=", "x")]),
    ],
)
def test_what_both_grammars_read_means_what_it_always_meant(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    """As in Alertmanager's fallback mode the classic grammar decides, the other one helps out."""
    assert [(m.name, m.op, m.value) for m in parse_matchers(text)] == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_matcher_written_out_reads_back_as_itself(value: str) -> None:
    """Quoting any value with the grammar's escapes and reading it gives the value again."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert parse_matchers(f'{{a="{quoted}", b!="c"}}') == (
        Matcher("a", MatchOp.EQUAL, value),
        Matcher("b", MatchOp.NOT_EQUAL, "c"),
    )


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but the declared error comes out of any text."""
    with contextlib.suppress(MatcherError):
        assert all(isinstance(each, Matcher) for each in parse_matchers(text))


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ('a=~"b"', {"a": "b"}, True),
        ('a=~"b"', {"a": "bb"}, False),
        ('a=~"b|c"', {"a": "cx"}, False),
        ('a=~"b"', {"a": "b\n"}, False),
        ('a=~"b$"', {"a": "b"}, True),
        ('a=~""', {}, True),
        ('a=~".+"', {}, False),
        ('a!~"b.*"', {"a": "bc"}, False),
        ('a!~"b.*"', {}, True),
        ('a=""', {}, True),
        ('a!=""', {}, False),
    ],
)
def test_matching_is_anchored_and_absent_means_empty(
    text: str, facts: dict[str, str], expected: bool
) -> None:
    """As in Alertmanager, a regex has to fit the whole value, and an absent label is empty."""
    (matcher,) = parse_matchers(text)
    assert matcher.matches(facts) is expected


@pytest.mark.parametrize(
    "expression",
    [
        *("(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P=x)", "(?>a)", "(?(1)a|b)"),
        *("a++", "a**", "a{2}{3}", "a{1001}", "*a", "[a", "[z-a]", "[[:nope:]]", "(", ")", "a\\"),
        *(r"\pL", r"\p{Greek}", r"\C", r"\Z", r"\G", r"\8", r"\x{110000}", r"\Qa"),
        *("(?m)a", "(?i)é", r"[\b]", "(?U)a", "(?x)a", "(?L)a", "(?#a)"),
        *("(a+)+$", "(a|a)*b", "((a*)b?)+", "(a+){2,}", "(?P<n>a+)*", "((b|c)d+)*", "((a)|(a))+"),
    ],
)
def test_what_re2_would_refuse_or_cannot_be_tried_here_is_refused(expression: str) -> None:
    """Look-around, back-references, and what Python cannot do, or not in time, are errors."""
    with pytest.raises(RegexError):
        compile_re2(expression)


@pytest.mark.parametrize(
    "expression",
    ["(foo|bar)+", "(.* / )?a", "(a+)?b", "(a+){2}", "((ab?)c)*", "(?i)(a|b)*", "a+b+"],
)
def test_a_repetition_of_what_ends_is_taken(expression: str) -> None:
    """Alternatives, options and counts may be repeated, and a repetition may be an option."""
    compile_re2(expression)


@pytest.mark.parametrize(
    ("expression", "fits", "does_not_fit"),
    [
        (r"\Qa.b\E+", "a.bb", "axb"),
        (r"a\B*", "a", "b"),
        (r"^*\b+a${2}", "a", "aa"),
        (r"(?P<n>a)(?P<n>b)", "ab", "a"),
        (r"[\d-~]", "-", "a"),
        (r"a\z", "a", "a\n"),
        ("^a$", "a", "a\n"),
        ("[[:alpha:]]+", "abc", "a1"),
        ("[^[:digit:]x]", "a", "1"),
        (r"\x{41}\x42\103", "ABC", "abc"),
        ("(?i)abc", "ABC", "ABD"),
        ("(?P<x>a)(?<y>b)", "ab", "ba"),
        ("(?i:a)b", "Ab", "AB"),
        ("a{,2}", "a{,2}", "aa"),
        ("a{2,}?", "aaa", "a"),
        ("[]a]", "]", "b"),
        ("[&&a||~~]", "&", "b"),
        ("[+--]", ",", "*"),
        ("[--/]", ".", "a"),
        ("[-a]", "-", "b"),
        (r"\d", "1", "٣"),
        ("a.b", "a-b", "a\nb"),
    ],
)
def test_re2_means_here_what_it_means_there(expression: str, fits: str, does_not_fit: str) -> None:
    """What RE2 writes otherwise than Python is translated."""
    pattern = compile_re2(expression)
    assert pattern.fullmatch(fits)
    assert not pattern.fullmatch(does_not_fit)


@given(st.text("ab\\()[]{}*+?|^$.,-:=!<>PQEdpxz01i&~ ", max_size=20))
def test_any_expression_compiles_or_is_refused(expression: str) -> None:
    """Nothing but the declared error comes out of any expression, warnings included."""
    with contextlib.suppress(RegexError):
        assert isinstance(compile_re2(expression), re.Pattern)
