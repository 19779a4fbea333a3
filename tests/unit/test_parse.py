# SPDX-License-Identifier: GPL-2.0-only
"""The expression language: what it takes, what it refuses and how it says so, and back again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfiogen.c import parse, syntax
from vfiogen.c.lex import UNITS, tokenize
from vfiogen.c.names import is_name
from vfiogen.c.parse import (
    parse_assignment,
    parse_expression,
    parse_kernel_call,
    parse_type,
    spell,
    spell_type,
)
from vfiogen.c.syntax import (
    Argument,
    Binary,
    Call,
    Conditional,
    Expression,
    Index,
    KernelType,
    Member,
    Membership,
    Name,
    Number,
    SyntaxProblem,
    Text,
    Unary,
    walk,
)
from vfiogen.c.text import text_problem
from vfiogen.records import Record, Value


def _words(text: str) -> list[str]:
    return text.split()


PLACES = {"start", "end", "name_start", "operator_start"}

# As they print: no spare parenthesis, one space.
EXPRESSIONS = [
    "0",
    "0x31554445",
    "64KiB",
    "100us",
    "5s",
    "0x10GiB",
    "edu.status & 0x80",
    "not edu.status.computing",
    "~edu.liveness",
    "pf-vft.count + 1",
    "if ready then QM_READY else QM_NOT_READY",
    "if pf-control then pf.io_base + 0x180000 + (vfid * 0x2000) else bar(2)",
    "if a then 1 else if b then 2 else 3",
    "if if a then b else c then if d then 1 else 2 else 3",
    "join(eqc[2], eqc[1])",
    "join(vf-bar.mailbox-high, vf-bar.mailbox-low)",
    "found(pf) and pf.ver >= QM_HW_V3",
    "bar-size(2) / 2",
    "end(vf-data.reserved-match)",
    "vf-data.eqc[0] & 0xffff",
    "mailbox(QM_MB_CMD_SQC_BT, vf-data.sqc-dma)",
    "address != 0 and address != 0xffffffff",
    'op.signature == "IntelGraphicsMem"',
    'property("nvidia,gpu-mem-base-pa")',
    "not found(migcap) or not migcap.features.cached-ok",
    "if carve-out then align-down(memory-size - 1GiB, 512MiB) else memory-size",
    "dvsec(PCI_VENDOR_ID_CXL, PCI_DVSEC_CXL_DEVICE)",
    "1s << (2 * min(cxl.range-low.timeout, 4))",
    "(now.types & 2) != 0",
    "data.reset.state == 1 and (state not in (RUNNING, ERROR) or tracking)",
    "state in (RUNNING)",
    "VIRTIO_PCI_CONFIG_OFF(1) + end(struct virtio_net_config.status)",
    "size(struct zpci_ccdf_err)",
    "0xffffffff - size(struct virtio_admin_cmd_resource_obj_cmd_hdr)",
    "(MLX5_SET_HCA_CAP_OP_MOD_GENERAL_DEVICE << 1) | HCA_CAP_OPMOD_GET_CUR",
    "save(round > 0, state == PRE_COPY)",
    "query-size(round > 0).bytes",
    "adminq(lm_suspend_status, fast = true)",
    "1 << cap-track.pg_track_log_min_page_size",
    "end(union pds_core_adminq_cmd)",
    '"{PDS_VFIO_LM_DEV_NAME}.{domain}-{pci-id}"',
    '"a {{literal}} brace, \\"quotes\\", \\\\ and \\n"',
    '"a {f("nested {x}")} b"',
    "a + b - c + d",
    "a - (b - c)",
    "a * b / c % d",
    "a << b >> c",
    "a | b | c",
    "(a & b) ^ (c | d)",
    "a or b and c or not d",
    "(a or b) and c",
    "not (a and b)",
    "not a == b",
    "(not a) == b",
    "not (not a)",
    "~(~a)",
    "~(a + b)",
    "(a < b) == (c < d)",
    "(a in (1, 2)) == b",
    "(if a then b else c) + 1",
    "(a + b).field",
    "(ref a).b",
    "(5).x",
    "ref qm.mailbox_lock",
    "out value",
    "a.in.out.struct.if",
    "f()()[0].g(x = 1, y = not z)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_prints_as_it_is_written(text: str) -> None:
    assert spell(parse_expression(text)) == text


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("  a\n and\tb ", "a and b"),
        ("((a))", "a"),
        ("(a * b) + (c)", "(a * b) + c"),
        ("a+b", "a + b"),
        ("(a + b) + c", "a + b + c"),
        ("(a == b) and (c)", "a == b and c"),
        ("f( (a) , b )", "f(a, b)"),
        ("(if a then (b) else (c))", "if a then b else c"),
    ],
)
def test_spare_parentheses_and_spaces_go(text: str, spelled: str) -> None:
    assert spell(parse_expression(text)) == spelled


@pytest.mark.parametrize(
    "text",
    [
        "hisi_qm_mb_read(ref qm, out value, cmd, 0)",
        "qat_vfmig_create(parent, vf-id) -> struct qat_mig_dev * or errno",
        "to_zpci(device) -> struct zpci_dev * or null",
        "qat_vfmig_cleanup(mdev) -> void",
        "virtio_pci_admin_has_legacy_io(device) -> bool",
        "xe_sriov_vfio_stop_copy_size(xe, vfid) -> size or errno",
        "f() -> u32",
        "f() -> unsigned long",
        'pds_client_register(pf, "{NAME}.{domain}-{pci-id}") -> u16 or errno',
        "id.pf-driver(device) -> union x *",
        "mlx5_cmd_exec(mdev, request, size(request), completion, size(completion))",
    ],
)
def test_a_kernel_call_prints_as_it_is_written(text: str) -> None:
    assert spell(parse_kernel_call(text)) == text


def test_a_call_without_returns_gives_an_errno() -> None:
    plain, written = parse_kernel_call("f(a)"), parse_kernel_call("f(a) -> errno")
    assert plain.returns == syntax.Returns(4, 4, "errno", "errno")
    assert written.returns == syntax.Returns(5, 13, "errno", "errno")
    assert parse_kernel_call("f() -> void").returns.failure is None
    assert parse_kernel_call("f() -> size or errno").returns.failure == "errno"
    assert parse_kernel_call("f() -> struct x* or null").returns.type == "struct x *"


@pytest.mark.parametrize(
    "text",
    [
        "pf-bar.vft-ready = 0",
        "value = join(vf-bar.mailbox-high, vf-bar.mailbox-low)",
        "eqc[2].low = if a then b else c",
        "ready = vf-data.vf-state == QM_READY and vf-data.eqe-dma != 0",
    ],
)
def test_an_assignment_prints_as_it_is_written(text: str) -> None:
    assert spell(parse_assignment(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *_words("bool u8 u64 size time phys iomem text le16 be64 own-structure"),
        *("struct kmem_cache *", "struct mutex", "union x", "u8 *", "unsigned long"),
        *("u8[16]", "u8[CLP_UTIL_STR_LEN]", "struct x *[4 + N]", "user-buffer"),
    ],
)
def test_a_type_prints_as_it_is_written(text: str) -> None:
    assert spell_type(parse_type(text)) == text


def test_numbers_have_their_unit_applied() -> None:
    def value(text: str) -> int:
        number = parse_expression(text)
        assert isinstance(number, Number)
        return number.value

    assert value("64KiB") == 65536
    assert value("3GiB") == 3 << 30
    assert value("10us") == 10
    assert value("2s") == 2_000_000
    assert value("0x10") == 16
    assert value("18446744073709551615") == (1 << 64) - 1


def test_a_kconfig_symbol_may_start_with_a_digit() -> None:
    text = "ARM64 or COMPILE_TEST and 64BIT and not 8139TOO_8129"
    assert spell(parse_expression(text, symbols=True)) == text
    with pytest.raises(SyntaxProblem):
        parse_expression("64BIT")


def test_texts_are_taken_apart() -> None:
    text = parse_expression('"a{{b}} {x + 1}\\n{y}"')
    assert isinstance(text, Text)
    kinds = [part if isinstance(part, str) else spell(part) for part in text.parts]
    assert kinds == ["a{b} ", "x + 1", "\n", "y"]


def test_every_node_knows_its_place() -> None:
    text = 'not (a + b) == f(x, "t {y}")[1].z and c in (1, 2) or if ref q then ~r else struct s'
    with pytest.raises(SyntaxProblem):
        parse_expression(text)  # `if` needs parentheses there
    text = text.replace("if", "(if") + ")"
    found = {text[node.start : node.end] for node in walk(parse_expression(text))}
    assert {"a + b", '"t {y}"', "y", 'f(x, "t {y}")[1].z', "~r", "ref q", "struct s"} <= found
    assert {"c in (1, 2)", "if ref q then ~r else struct s", text} <= found
    for node in walk(parse_expression(text)):
        if isinstance(node, Name):
            assert text[node.start : node.end] == node.name
        if isinstance(node, Member):
            assert text[node.name_start :].startswith(node.name)
        if isinstance(node, Binary):
            assert text[node.operator_start :].startswith(node.operator)


# What is refused: the text with the place between «», what the message holds, what a hint holds.
PROBLEMS = [
    ("«»", "expected a value, found nothing", ""),
    ("a «=» 1", "expected an operator or the end, found `=`", "`==` compares"),
    ("a «&&» b", "found `&&`", "write `and`"),
    ("a «||» b", "found `||`", "write `or`"),
    ("«!»a", "expected a value, found `!`", "write `not x`"),
    ("a «?» b : c", "found `?`", "if condition then value else other"),
    ("a«->»b", "found `->`", "a field is `.`"),
    ("a «===» b", "found `===`", "write `==`"),
    ("a «≤» b", "found `≤`", "write `<=`"),
    ("a«;»", "found `;`", "semicolon"),
    ("a «/*» b */", "found `/*`", "comment"),
    ("a «//» b", "found `//`", "comment"),
    ("a «#» b", "found `#`", "comment"),
    ("a «**» 2", "found `**`", "1 << n"),
    ("a«++»", "found `++`", "x = x + 1"),
    ("«&»x", "found `&`", "ref x"),
    ("«*»x", "found `*`", "no address or pointer"),
    ("«-»1", "found `-`", "no value is negative"),
    ("«'»a'", "found `'`", "double quotes"),
    ("«a-» b", "ends with `-`", "a space on each side"),
    ("«A-1»", "is no name", "a space on each side"),
    ("a «-»b", "needs a space on each side", "`a - b`"),
    ("3«-»1", "needs a space on each side", "`a - b`"),
    ("«0755»", "is no number", "755, or 0x1ed"),
    ("«0899»", "is no number", "no leading zeros: 899"),
    ("«12ab»", "is no number", "0x12ab"),
    ("«0X1F»", "is no number", "0x1F"),
    ("«64KB»", "is no number", "64KiB"),
    ("«5sec»", "is no number", "5s"),
    ("«5min»", "is no number", "the units are KiB"),
    ("«1.5s»", "is no number", "no fractions"),
    ("«10ULL»", "is no number", "the type follows"),
    ("«1_000»", "is no number", "no `_`"),
    ("5 «ms»", "found `ms`", "`5ms`"),
    ("«18446744073709551616»", "does not fit into 64 bits", ""),
    ("«17179869184GiB»", "does not fit into 64 bits", ""),
    ("a + b «*» c", "`+` and `*` need parentheses", "`(a + b) * c` or `a + (b * c)`"),
    ("a << b «|» c", "`<<` and `|` need parentheses", "`(a << b) | c`"),
    ("a «&» 1 == 0", "beside a comparison needs parentheses", "`(a & 1) == ...`"),
    ("0 < a «<<» 1", "beside a comparison needs parentheses", "`... < (a << 1)`"),
    ("a «|» b in (1, 2)", "beside a comparison needs parentheses", "`(a | b) in ...`"),
    ("a < b «<» c", "not compared again", "`a < b and b < ...`"),
    ("a == b «in» (c)", "not compared again", "compare twice"),
    ("a in «1», 2", "expected `(`", "`in (a, b)`"),
    ("a in («)»", "expected a value", ""),
    ("a «not» b", "found `not`", "not in (...)"),
    ("a == «not» b", "found `not`", "parentheses"),
    ("a + «if» b then c else d", "found `if`", "parentheses"),
    ("if a then b«»", "expected `else`", ""),
    ("if a «b»", "expected `then`", ""),
    ("a «then» b", "found `then`", "an `if` before it"),
    ("a «AND» b", "found `AND`", "write `and`"),
    ("a «xor» b", "found `xor`", "`^`"),
    ("(u32) «x»", "found `x`", "no casts"),
    ("(a + b«»", "expected an operator or `)`, found the end", "`(a + b` is not closed"),
    ("f(a, b«]»", "expected an operator, `,` or `)`", ""),
    ("f(a = 1, «2»)", "without a name", ""),
    ("f(a = 1, «a» = 2)", "`a` is given twice", ""),
    ("struct «a-b»", "the name of a kernel struct", ""),
    ("5«(»1)", "`5` is no function", ""),
    ("struct x«[»1]", "`struct x` has no elements", ""),
    ("a.«5»", "the name of a field", ""),
    ("28«..»43", "found `..`", "bits"),
    ('«"a»', "not closed", ""),
    ('"a {b«"»', "expected an operator or `}`", ""),
    ('"a «}»"', "single `}`", "`}}`"),
    ('"a«\\q»"', "unknown escape", '\\"'),
    ('"a«\n»b"', "line end", "\\n"),
    ('"a«\u202e»b"', "U+202E", ""),
    ('"a«\x00»b"', "U+0000", ""),
    ("«é»", "found `é`", ""),
    ("a«\u00a0»b", "found `\u00a0`", "not an ordinary"),
]


def _marked(marked: str) -> tuple[str, int, int]:
    start = marked.index("«")
    end = marked.index("»") - 1
    return marked.replace("«", "").replace("»", ""), start, end


def _assert_problem(read: Callable[[str], object], marked: str, message: str, hint: str) -> None:
    text, start, end = _marked(marked)
    with pytest.raises(SyntaxProblem) as caught:
        read(text)
    problem = caught.value
    assert message in problem.message
    assert hint in " ".join(problem.hints)
    assert (problem.start, problem.end) == (start, end)
    assert all(problem.hints)


@pytest.mark.parametrize(("marked", "message", "hint"), PROBLEMS)
def test_a_problem_has_place_reason_and_hint(marked: str, message: str, hint: str) -> None:
    _assert_problem(parse_expression, marked, message, hint)


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("«f»", "expected a call", "`f()`"),
        ("«qm»->f(a)", "expected a call", "a field is `.`"),
        ("«f(a) or b»", "expected a call", ""),
        ("f(a) ->«»", "expected a type", ""),
        ("f(a) -> u32 or «null»", "`u32` cannot be null", "`u32 * or null`"),
        ("f(a) -> void or «errno»", "returns nothing else", "`-> errno`"),
        ("f(a) -> size or «fail»", "`errno` or `null`", ""),
        ("f(a)«;»", "found `;`", "semicolon"),
    ],
)
def test_a_problem_of_a_kernel_call(marked: str, message: str, hint: str) -> None:
    _assert_problem(parse_kernel_call, marked, message, hint)


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("a «==» 1", "expected `=`", "`=` assigns"),
        ("a «+=» 1", "expected `=`", "x = x + 1"),
        ("a«»", "expected `=`", ""),
        ("«f(x)» = 1", "cannot assign to `f(x)`", "a place is"),
        ("«1» = a", "cannot assign to `1`", ""),
        ("a = b «=» c", "found `=`", ""),
        ("«ref» a = b", "expected a value", ""),
    ],
)
def test_a_problem_of_an_assignment(marked: str, message: str, hint: str) -> None:
    _assert_problem(parse_assignment, marked, message, hint)


@pytest.mark.parametrize(
    ("marked", "message", "hint"),
    [
        ("«»", "expected a type", ""),
        ("«const» char *", "without `const`", ""),
        ("struct x «**»", "the end of the type", "one `*`"),
        ("unsigned «x»", "`int` or `long`", ""),
        ("u8[3«»", "`]`", "`[3` is not closed"),
        ("«3»", "expected a type", ""),
    ],
)
def test_a_problem_of_a_type(marked: str, message: str, hint: str) -> None:
    _assert_problem(parse_type, marked, message, hint)


# Any text at all

READERS: list[Callable[[str], object]] = [
    parse_expression,
    parse_kernel_call,
    parse_assignment,
    parse_type,
]
WORDS = [
    *_words("a b-c d_e F_G 1 0x1f 5ms 08 ( ) [ ] , . = == != < <= + - * / % & | ^ ~ << >> -> .."),
    *_words("if then else or and not in ref out struct union errno null void unsigned"),
    *_words('&& || ! ? : ; { } # $ \' \\ " "t" {{ }} é'),
    *(" ", "\n", "\x00", "\ud800", "\u202e"),
]


def _read_any(text: str) -> None:
    for read in READERS:
        try:
            tree = read(text)
        except SyntaxProblem as found:
            problem = found
        else:
            assert not isinstance(tree, Expression) or spell(tree)
            continue
        assert 0 <= problem.start <= problem.end <= len(text)
        assert problem.message


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    _read_any(text)


@given(st.lists(st.sampled_from(WORDS)), st.sampled_from(["", " "]))
def test_any_words_are_read_or_refused(words: list[str], between: str) -> None:
    _read_any(between.join(words))


HOSTILE = [
    "(",
    ")",
    "not ",
    "~",
    "a.",
    "a[",
    "f(",
    "a + ",
    "a and ",
    "if ",
    '"{',
    "a in (",
    "-",
    '"',
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("count", [20, 200, 1000, 100_000])
def test_hostile_texts_are_refused_quickly(piece: str, count: int) -> None:
    start = time.monotonic()
    for end in ("", "a", "a" + ")" * count):
        _read_any(piece * count + end)
    assert time.monotonic() - start < 2


def test_nesting_is_limited() -> None:
    depth = parse.MAX_DEPTH - 1
    assert spell(parse_expression("(" * depth + "a" + ")" * depth)) == "a"
    with pytest.raises(SyntaxProblem, match="nested deeper"):
        parse_expression("(" * (depth + 1) + "a" + ")" * (depth + 1))


def test_the_height_of_the_tree_is_limited() -> None:
    most = " + ".join(["a"] * parse.MAX_HEIGHT)
    assert spell(parse_expression(most)) == most
    with pytest.raises(SyntaxProblem, match="levels"):
        parse_expression(f"{most} + a")
    with pytest.raises(SyntaxProblem, match="levels"):
        parse_expression("a" + ".b" * 200)


def test_the_length_is_limited() -> None:
    with pytest.raises(SyntaxProblem, match="longer than"):
        parse_expression(" " * parse.MAX_LENGTH + "a")


# There and back


def _without_places(tree: object) -> object:
    if isinstance(tree, tuple):
        return tuple(map(_without_places, tree))
    if not isinstance(tree, Value | Record):
        return tree
    fields = [name for name in tree.__struct_fields__ if name not in PLACES]
    return type(tree).__name__, *(_without_places(getattr(tree, name)) for name in fields)


kebabs = st.from_regex("[a-z][a-z0-9]{0,3}(-[a-z0-9]{1,3}){0,2}", fullmatch=True).filter(is_name)
kernel_names = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda text: text not in syntax.KEYWORDS
)
names = st.one_of(kebabs, kernel_names)
literals = st.text(max_size=6).filter(lambda text: text_problem(text) is None)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    unit = draw(st.sampled_from([None, *UNITS]))
    factor = UNITS[unit] if unit else 1
    plain = draw(st.integers(0, ((1 << 64) - 1) // factor))
    hexadecimal = draw(st.booleans())
    digits = f"{plain:#x}" if hexadecimal else str(plain)
    return Number(0, 0, plain * factor, hexadecimal, unit, digits)


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Expression:
    kind = draw(st.sampled_from([Name, Number, KernelType, *_MAKERS] if depth else [Name, Number]))
    if kind is Name:
        return Name(0, 0, draw(names))
    if kind is Number:
        return draw(numbers())
    if kind is KernelType:
        return KernelType(0, 0, draw(st.sampled_from(["struct", "union"])), draw(kernel_names))
    return _MAKERS[kind](draw, trees(depth - 1))


Inner = st.SearchStrategy[Expression]


def _text(draw: st.DrawFn, inner: Inner) -> Text:
    parts: list[str | Expression] = [draw(literals)]
    for _ in range(draw(st.integers(0, 2))):
        parts += [draw(inner), draw(literals)]
    return Text(0, 0, tuple(part for part in parts if part != ""))


def _call(draw: st.DrawFn, inner: Inner) -> Call:
    plain = [Argument(draw(inner)) for _ in range(draw(st.integers(0, 2)))]
    named = draw(st.lists(names, max_size=2, unique=True))
    function = draw(inner)
    return Call(0, 0, function, (*plain, *(Argument(draw(inner), name, 0) for name in named)))


def _membership(draw: st.DrawFn, inner: Inner) -> Membership:
    items = tuple(draw(inner) for _ in range(draw(st.integers(1, 3))))
    return Membership(0, 0, draw(inner), items, draw(st.booleans()))


OPERATORS = st.sampled_from(_words("or and + - * / % << >> & | ^ == != < <= > >="))
SIGNS = st.sampled_from(["not", "~", "ref", "out"])
FIELDS = names | st.sampled_from(["in", "if"])
_MAKERS: dict[type, Callable[[st.DrawFn, Inner], Expression]] = {
    Text: _text,
    Call: _call,
    Membership: _membership,
    Binary: lambda draw, inner: Binary(0, 0, draw(OPERATORS), draw(inner), draw(inner), 0),
    Unary: lambda draw, inner: Unary(0, 0, draw(SIGNS), draw(inner)),
    Conditional: lambda draw, inner: Conditional(0, 0, draw(inner), draw(inner), draw(inner)),
    Member: lambda draw, inner: Member(0, 0, draw(inner), draw(FIELDS), 0),
    Index: lambda draw, inner: Index(0, 0, draw(inner), draw(inner)),
}


@given(trees())
def test_a_tree_survives_being_printed_and_parsed(tree: Expression) -> None:
    text = spell(tree)
    assert _without_places(parse_expression(text)) == _without_places(tree)
    assert spell(parse_expression(text)) == text


def _groups(text: str) -> list[tuple[int, int]]:
    """The pairs of parentheses that group, other than those of calls and of `in`."""
    opened: list[tuple[bool, int]] = []
    pairs: list[tuple[int, int]] = []
    tokens = tokenize(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if (token.kind, token.text) == ("operator", "("):
            value = before and (before.kind == "name" or before.text in (")", "]", "in"))
            field = before and before.kind == "keyword" and text[before.start - 1] == "."
            opened.append((not value and not field, token.start))
        elif (token.kind, token.text) == ("operator", ")"):
            groups, start = opened.pop()
            pairs += [(start, token.start)] if groups else []
    return pairs


@settings(max_examples=50)
@given(trees())
def test_every_printed_parenthesis_is_needed(tree: Expression) -> None:
    """Take away any pair: the text means something else, or nothing."""
    text = spell(tree)
    for start, end in _groups(text):
        shorter = f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]}"
        try:
            changed = _without_places(parse_expression(shorter))
        except SyntaxProblem:
            continue
        assert changed != _without_places(tree)


@given(names, trees(2), st.sampled_from(["errno", "void", "bool", "u32", "struct x *"]))
def test_a_kernel_call_survives_being_printed(name: str, tree: Expression, kind: str) -> None:
    text = f"{name}({spell(tree)}) -> {kind}" + (" or null" if kind.endswith("*") else "")
    call = parse_kernel_call(text)
    assert _without_places(parse_kernel_call(spell(call))) == _without_places(call)
