# SPDX-License-Identifier: GPL-2.0-only
"""C as a kernel developer lays it out: statements, declarations, heads, comments.

Every function returns text whose lines are separated by line ends, with none at the end, ready
to be placed in a template. Widths count a tab as eight columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from vfiogen.c.text import comment_text, fill
from vfiogen.c.wrap import LIMIT, TAB, WIDTH, wrap, wrap_with_cost
from vfiogen.records import Value

__all__ = [
    "LIMIT",
    "TAB",
    "WIDTH",
    "Blank",
    "Block",
    "Case",
    "Comment",
    "Declaration",
    "Do",
    "Expr",
    "For",
    "Goto",
    "If",
    "Label",
    "Raw",
    "Return",
    "Stmt",
    "Switch",
    "While",
    "comment",
    "declare",
    "designated",
    "function_head",
    "print_body",
    "text_width",
    "wrap",
    "wrap_call",
    "wrap_expression",
]


class Declaration(Value):
    """A local variable; `name` may carry array bounds or an attribute behind it."""

    type: str
    name: str
    init: str | None = None


class Raw(Value):
    """Lines that are printed as they are, below the indentation."""

    lines: tuple[str, ...]


class Expr(Value):
    """A call, an assignment, `break` or the like, on one line and without its semicolon."""

    text: str


class Return(Value):
    """`return`, with a value or without."""

    value: str | None = None


class Goto(Value):
    """`goto label`."""

    label: str


class Label(Value):
    """`name:`; a blank line goes before the first of a function."""

    name: str


class Comment(Value):
    """A comment on what follows; the text is escaped here."""

    text: str


class Blank(Value):
    """A blank line, except where there would be two, or one beside a brace."""


class If(Value):
    """`if`; an `orelse` of one `If` continues the chain with `else if`."""

    condition: str
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


class For(Value):
    """A body below any head: `for (...)`, `list_for_each_entry(...)`, `scoped_guard(...)`."""

    head: str
    body: tuple[Stmt, ...]


class While(Value):
    """`while (condition)`."""

    condition: str
    body: tuple[Stmt, ...]


class Do(Value):
    """`do { } while (condition);`."""

    body: tuple[Stmt, ...]
    condition: str


class Block(Value):
    """A block of its own, for its declarations."""

    declarations: tuple[Declaration, ...]
    body: tuple[Stmt, ...]


class Case(Value):
    """One arm of a switch, `default` without labels; `break` is added where it is needed."""

    labels: tuple[str, ...]
    body: tuple[Stmt, ...]


class Switch(Value):
    """`switch (value)`."""

    value: str
    cases: tuple[Case, ...]


Stmt: TypeAlias = (
    Raw | Expr | Return | Goto | Label | Comment | Blank | If | For | While | Do | Block | Switch
)


# Lines


def text_width(text: str) -> int:
    """Return the columns of the widest line of `text`."""
    return max(len(line.expandtabs(TAB)) for line in text.split("\n"))


def wrap_call(head: str, arguments: Iterable[str], tail: str = ";", indent: int = 0) -> str:
    """Return `head(arguments)tail`; the head may hold an assignment or `return`."""
    return wrap(f"{head}({', '.join(arguments)}){tail}", indent)


def wrap_expression(head: str, expression: str, tail: str = ";", indent: int = 0) -> str:
    """Return `head`, `expression` and `tail`, for example `if (`, a condition and `) {`."""
    return wrap(f"{head}{expression}{tail}", indent)


def declare(type_name: str, name: str) -> str:
    """Return type and name as one: `u32 name`, `struct x *name`."""
    return type_name + ("" if type_name.endswith("*") else " ") + name


def function_head(
    return_type: str,
    name: str,
    parameters: Iterable[str],
    static: bool = True,
    tail: str = "",
) -> str:
    """Return the head of a function, or with a `tail` of `;` its prototype.

    The return type gets a line of its own where the parameters need the room.
    """
    called = f"{name}({', '.join(parameters) or 'void'}){tail}"
    return_type = f"static {return_type}" if static else return_type
    beside, beside_cost = wrap_with_cost(declare(return_type, called))
    below, below_cost = wrap_with_cost(called)
    return beside if beside_cost <= below_cost + 35 else f"{return_type}\n{below}"


def designated(initializers: Iterable[tuple[str, str]], indent: int = 1) -> str:
    """Return the lines `.name = value,` of an initializer, in the order given."""
    return "\n".join(wrap(f".{name} = {value},", indent) for name, value in initializers)


# Comments


def comment(text: str, indent: int = 0, width: int = WIDTH) -> str:
    """Return `text` as a comment, on one line where it fits, else as a block.

    Paragraphs are kept and filled; a line that starts with a space, `- ` or `* ` stays a line.
    """
    room = max(width - indent * TAB - len(" * "), 24)
    lines = fill(comment_text(text), room)
    margin = "\t" * indent
    if len(lines) == 1 and len(lines[0]) <= room - len(" */"):
        return f"{margin}/* {lines[0]} */"
    body = [f"{margin} * {line}".rstrip() for line in lines]
    return "\n".join([f"{margin}/*", *body, f"{margin} */"])


# Bodies


def print_body(declarations: Iterable[Declaration], statements: Iterable[Stmt], indent: int = 1) -> str:
    """Return declarations, longest first as far as they allow, and statements."""
    return "\n".join(_body(tuple(declarations), tuple(statements), indent))


def _body(declarations: Sequence[Declaration], body: Sequence[Stmt], indent: int) -> list[str]:
    declared = [_declaration(item, indent) for item in _ordered(declarations)]
    statements = _statements(body, indent)
    return [*declared, *([""] if declared and statements else []), *statements]


def _declaration(declaration: Declaration, indent: int) -> str:
    return wrap(_declaration_text(declaration), indent)


def _declaration_text(declaration: Declaration) -> str:
    init = f" = {declaration.init}" if declaration.init is not None else ""
    return f"{declare(declaration.type, declaration.name)}{init};"


def _ordered(declarations: Sequence[Declaration]) -> list[Declaration]:
    """Sort by falling length, but nothing before an earlier one whose name it uses."""
    waiting = list(declarations)
    ordered: list[Declaration] = []
    while waiting:
        ready = [item for at, item in enumerate(waiting) if not _uses(item, waiting[:at])]
        longest = max(ready, key=lambda item: len(_declaration_text(item)))
        waiting.remove(longest)
        ordered.append(longest)
    return ordered


def _uses(declaration: Declaration, others: Sequence[Declaration]) -> bool:
    bounds = declaration.name.partition("[")[2]
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", f"{bounds} {declaration.init or ''}")
    used = set(re.findall(r"(?<![\w.])(?<!->)[A-Za-z_]\w*", text))
    return any(re.split(r"\W", other.name)[0] in used for other in others)


def _statements(statements: Sequence[Stmt], indent: int) -> list[str]:
    lines: list[str] = []
    blank = labelled = False
    for statement in statements:
        if isinstance(statement, Label) and not labelled:
            blank = labelled = True
        if isinstance(statement, Blank):
            blank = True
            continue
        lines += [""] if blank and lines else []
        lines += _statement(statement, indent)
        blank = False
    return lines


def _statement(statement: Stmt, indent: int) -> list[str]:
    margin = "\t" * indent
    match statement:
        case Raw():
            return [f"{margin}{line}" if line else "" for line in statement.lines]
        case Expr() | Return() | Goto():
            return [wrap(_simple(statement), indent)]
        case Label():
            return [f"{statement.name}:"]
        case Comment():
            return [comment(statement.text, indent)]
        case Block():
            inner = _body(statement.declarations, statement.body, indent + 1)
            return [f"{margin}{{", *inner, f"{margin}}}"]
    return _compound(statement, indent)


def _simple(statement: Expr | Return | Goto) -> str:
    match statement:
        case Expr():
            return f"{statement.text};"
        case Goto():
            return f"goto {statement.label};"
    return "return;" if statement.value is None else f"return {statement.value};"


def _compound(statement: Stmt, indent: int) -> list[str]:
    margin = "\t" * indent
    match statement:
        case If():
            return _if(statement, indent)
        case For():
            return _loop(statement.head, statement.body, indent)
        case While():
            return _loop(f"while ({statement.condition})", statement.body, indent)
        case Do():
            end = wrap(f"}} while ({statement.condition});", indent)
            return [f"{margin}do {{", *_statements(statement.body, indent + 1), end]
        case Switch():
            arms = [line for case in statement.cases for line in _case(case, indent)]
            return [wrap(f"switch ({statement.value}) {{", indent), *arms, f"{margin}}}"]
    raise TypeError(f"no statement: {statement!r}")


def _loop(head: str, body: Sequence[Stmt], indent: int) -> list[str]:
    inner = _statements(body, indent + 1)
    if not _needs_braces(body, inner):
        return [wrap(head, indent), *inner]
    return [wrap(f"{head} {{", indent), *inner, "\t" * indent + "}"]


def _if(statement: If, indent: int) -> list[str]:
    """Print a chain; if one branch needs braces, all have them."""
    branches = _branches(statement)
    inner = [_statements(body, indent + 1) for _, body in branches]
    pairs = zip(branches, inner, strict=True)
    braces = any(_needs_braces(body, lines) for (_, body), lines in pairs)
    open_brace, close_brace = (" {", "} ") if braces else ("", "")
    printed: list[str] = []
    for (head, _), lines in zip(branches, inner, strict=True):
        close = close_brace if printed else ""
        printed += [wrap(f"{close}{head}{open_brace}", indent), *lines]
    return [*printed, "\t" * indent + "}"] if braces else printed


def _branches(statement: If) -> list[tuple[str, tuple[Stmt, ...]]]:
    branches = [(f"if ({statement.condition})", statement.then)]
    otherwise = statement.orelse
    while len(otherwise) == 1 and isinstance(chained := otherwise[0], If):
        branches.append((f"else if ({chained.condition})", chained.then))
        otherwise = chained.orelse
    return [*branches, ("else", otherwise)] if otherwise else branches


def _needs_braces(body: Sequence[Stmt], lines: Sequence[str]) -> bool:
    """One simple statement on one line stands without braces."""
    kinds = [type(item) for item in body if not isinstance(item, Blank)]
    simple = len(kinds) == 1 and kinds[0] in (Expr, Return, Goto, Raw)
    return not simple or len(lines) != 1 or "\n" in lines[0]


def _case(case: Case, indent: int) -> list[str]:
    margin = "\t" * indent
    labels = [f"{margin}case {label}:" for label in case.labels] or [f"{margin}default:"]
    lines = [*labels, *_statements(case.body, indent + 1)]
    return lines if _leaves(case.body) else [*lines, f"{margin}\tbreak;"]


def _leaves(body: Sequence[Stmt]) -> bool:
    match body[-1] if body else None:
        case Return() | Goto() | Expr("break" | "continue" | "fallthrough"):
            return True
    return False
