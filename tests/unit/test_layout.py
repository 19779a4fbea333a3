# SPDX-License-Identifier: GPL-2.0-only
"""The layout of C: as a kernel developer would write it, and as checkpatch takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vfiogen.c.layout import (
    LIMIT,
    WIDTH,
    Blank,
    Block,
    Case,
    Comment,
    Declaration,
    Do,
    Expr,
    For,
    Goto,
    If,
    Label,
    Raw,
    Return,
    Switch,
    While,
    comment,
    declare,
    designated,
    function_head,
    print_body,
    text_width,
    wrap,
    wrap_call,
    wrap_expression,
)
from vfiogen.c.text import c_string

# Breaking lines


def test_what_fits_stays() -> None:
    assert wrap("ret = f(a);", 1) == "\tret = f(a);"
    fits = "x" * 63 + "(a, b);"
    assert wrap(fits, 1) == f"\t{fits}"
    assert text_width("\tab\nabc") == 10


@pytest.mark.parametrize(
    ("text", "indent", "lines"),
    [
        (
            'migf->filp = anon_inode_getfile("qat_vf_mig", &qat_vf_save_fops, migf, O_RDONLY);',
            1,
            [
                '\tmigf->filp = anon_inode_getfile("qat_vf_mig", &qat_vf_save_fops, migf,',
                "\t\t\t\t\tO_RDONLY);",
            ],
        ),
        (
            "struct qat_vf_core_device *qat_vdev = container_of(core_vdev,"
            " struct qat_vf_core_device, core_device.vdev);",
            1,
            [
                "\tstruct qat_vf_core_device *qat_vdev =",
                "\t\tcontainer_of(core_vdev, struct qat_vf_core_device,",
                "\t\t\t     core_device.vdev);",
            ],
        ),
        (
            "edu->migration_state_of_the_device = cpu_to_le32(readl(edu->regs + EDU_STATUS));",
            1,
            [
                "\tedu->migration_state_of_the_device =",
                "\t\tcpu_to_le32(readl(edu->regs + EDU_STATUS));",
            ],
        ),
        (
            "if ((cur == VFIO_DEVICE_STATE_RUNNING && new == VFIO_DEVICE_STATE_RUNNING_P2P) ||"
            " (cur == VFIO_DEVICE_STATE_PRE_COPY && new == VFIO_DEVICE_STATE_PRE_COPY_P2P)) {",
            1,
            [
                "\tif ((cur == VFIO_DEVICE_STATE_RUNNING &&",
                "\t     new == VFIO_DEVICE_STATE_RUNNING_P2P) ||",
                "\t    (cur == VFIO_DEVICE_STATE_PRE_COPY &&",
                "\t     new == VFIO_DEVICE_STATE_PRE_COPY_P2P)) {",
            ],
        ),
        (
            "return vdev->some_long_name_member == OTHER_CONSTANT_NAME &&"
            " other_function(vdev) && third_one(vdev);",
            1,
            [
                "\treturn vdev->some_long_name_member == OTHER_CONSTANT_NAME &&",
                "\t       other_function(vdev) && third_one(vdev);",
            ],
        ),
        (
            "status = readl(vdev->regs + FOO) & (STATUS_BUSY | STATUS_SOMETHING_ELSE |"
            " STATUS_MORE_OF_IT | STATUS_LAST);",
            1,
            [
                "\tstatus = readl(vdev->regs + FOO) &",
                "\t\t (STATUS_BUSY | STATUS_SOMETHING_ELSE | STATUS_MORE_OF_IT |",
                "\t\t  STATUS_LAST);",
            ],
        ),
        (
            "for (unsigned long long i = some_function(with, args); i < other_function(with);"
            " i += STEP_SIZE)",
            1,
            [
                "\tfor (unsigned long long i = some_function(with, args);",
                "\t     i < other_function(with); i += STEP_SIZE)",
            ],
        ),
        (
            'dev_err(dev, "a long message, with (brackets) && operators =, not broken %d\\n",'
            " value_of_the_register, ret);",
            1,
            [
                '\tdev_err(dev, "a long message, with (brackets) && operators =, not broken %d\\n",',
                "\t\tvalue_of_the_register, ret);",
            ],
        ),
        (
            "x = condition_of_the_choice ? value_in_the_first_case(vdev) : value_in_the_other_case(vdev);",
            1,
            [
                "\tx = condition_of_the_choice ? value_in_the_first_case(vdev) :",
                "\t    value_in_the_other_case(vdev);",
            ],
        ),
    ],
)
def test_lines_break_as_in_the_kernel(text: str, indent: int, lines: list[str]) -> None:
    assert wrap(text, indent).split("\n") == lines


def test_up_to_100_columns_where_breaking_hurts() -> None:
    text = f"if ({'a' * 40}->member != {'b' * 25}->element)"
    assert wrap(text, 1) == f"\t{text}"
    assert WIDTH < text_width(wrap(text, 1)) <= LIMIT


def test_calls_and_expressions_by_parts() -> None:
    assert wrap_call("ret = f", ["a", "b"], indent=1) == "\tret = f(a, b);"
    assert wrap_call("f", [], ",") == "f(),"
    assert wrap_expression("if (", "a && b", ") {") == "if (a && b) {"


def test_an_argument_is_not_broken_before_the_list_is() -> None:
    text = "if (copy_to_user(buf + copy_offset, (void *)&value + register_offset, copy_count)) {"
    assert wrap(text, 2).split("\n") == [
        "\t\tif (copy_to_user(buf + copy_offset,",
        "\t\t\t\t (void *)&value + register_offset,",
        "\t\t\t\t copy_count)) {",
    ]


def test_a_list_far_to_the_right_is_not_a_column_of_words() -> None:
    text = "ret = virtio_pci_admin_legacy_common_io_write(pdev, offset, count, buffer + pos);"
    printed = wrap(text, 3)
    assert printed.count("\n") == 1
    assert WIDTH < text_width(printed) <= LIMIT


HUGE_CALL = (
    "return virtio_pci_admin_dev_parts_metadata_get(virtvdev->core_device.pdev,"
    " VIRTIO_RESOURCE_OBJ_DEV_PARTS, file->object,"
    " VIRTIO_ADMIN_CMD_DEV_PARTS_METADATA_TYPE_SIZE, &bytes);"
)


def test_a_call_too_wide_for_its_bracket_hangs() -> None:
    assert wrap(HUGE_CALL, 1).split("\n") == [
        "\treturn virtio_pci_admin_dev_parts_metadata_get(virtvdev->core_device.pdev,",
        "\t\t\tVIRTIO_RESOURCE_OBJ_DEV_PARTS, file->object,",
        "\t\t\tVIRTIO_ADMIN_CMD_DEV_PARTS_METADATA_TYPE_SIZE, &bytes);",
    ]


identifiers = st.from_regex("[a-z]{1,24}", fullmatch=True)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.sampled_from(["name", "call", "binary", "text", "cast"] if depth else ["name"]))
    inner = expressions(depth - 1) if depth else identifiers
    match kind:
        case "call":
            arguments = draw(st.lists(inner, max_size=4))
            return f"{draw(identifiers)}({', '.join(arguments)})"
        case "binary":
            operator = draw(st.sampled_from(["&&", "||", "+", "|", "==", "?", ":", "<<"]))
            return f"({draw(inner)} {operator} {draw(inner)})"
        case "text":
            return draw(st.sampled_from(['"a, (b"', '"\\", ["', "' '", "'\\''", '" && "']))
        case "cast":
            return f"(struct {draw(identifiers)} *){draw(inner)}"
    return draw(identifiers)


statements = st.one_of(
    st.builds("{} = {};".format, identifiers, expressions()),
    st.builds("return {};".format, expressions()),
    st.builds("if ({}) {{".format, expressions()),
    st.builds("struct {} *{} = {};".format, identifiers, identifiers, expressions()),
)


def _tokens(text: str) -> list[str]:
    return re.findall(r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'" r"|\w+|\S", text)


@given(statements, st.integers(0, 4))
def test_breaking_changes_only_white_space(text: str, indent: int) -> None:
    wrapped = wrap(text, indent)
    assert _tokens(wrapped) == _tokens(text)
    assert wrap(text, indent) == wrapped
    for line in wrapped.split("\n"):
        assert line == line.rstrip()
        assert re.match(r"\t* {0,7}\S", line)
        assert not line.endswith("(")


def test_a_huge_line_takes_little_time() -> None:
    text = "f(" + ", ".join(f"g(a{at}, (b && c) | d)" for at in range(100)) + ");"
    assert _tokens(wrap(text, 1)) == _tokens(text)


@pytest.mark.parametrize(
    ("arguments", "head"),
    [
        (("int", "edu_probe", []), "static int edu_probe(void)"),
        (
            ("ssize_t", "qat_vf_save_read", ["struct file *filp", "char __user *buf",
                                             "size_t len", "loff_t *pos"]),
            "static ssize_t qat_vf_save_read(struct file *filp, char __user *buf, size_t len,\n"
            "\t\t\t\tloff_t *pos)",
        ),
        (
            ("struct qat_vf_migration_file *", "qat_vf_save_device_data",
             ["struct qat_vf_core_device *qat_vdev", "bool pre_copy"]),
            "static struct qat_vf_migration_file *\n"
            "qat_vf_save_device_data(struct qat_vf_core_device *qat_vdev, bool pre_copy)",
        ),
        (("void", "f", ["int a"], False, ";"), "void f(int a);"),
        (("u8 *", "f", ["int a"], False), "u8 *f(int a)"),
    ],
)  # fmt: skip
def test_function_heads(arguments: tuple[str, str, list[str]], head: str) -> None:
    assert function_head(*arguments) == head


def test_declarations_and_initializers() -> None:
    assert declare("struct x *", "name") == "struct x *name"
    assert declare("u32", "name[4]") == "u32 name[4]"
    assert designated([("name", '"edu"'), ("init", "edu_init")]) == ('\t.name = "edu",\n\t.init = edu_init,')


# Comments


def test_a_comment_on_one_line() -> None:
    assert comment("A job.", 1) == "\t/* A job. */"
    fits = "x" * 66
    assert text_width(comment(fits, 1)) == WIDTH
    assert comment(fits, 1) == f"\t/* {fits} */"
    assert comment(f"{fits}x", 1) == f"\t/*\n\t * {fits}x\n\t */"


def test_a_comment_of_paragraphs_and_lists() -> None:
    text = "One line that goes on.\nAnd on.\n\nSecond:\n- an item that goes on\n- another"
    assert comment(text, 0, 30).split("\n") == [
        "/*",
        " * One line that goes on. And",
        " * on.",
        " *",
        " * Second:",
        " * - an item that goes on",
        " * - another",
        " */",
    ]


@given(st.text(alphabet="ab */?\n-", max_size=80), st.integers(0, 3))
def test_a_comment_keeps_its_width(text: str, indent: int) -> None:
    printed = comment(text, indent)
    assert text_width(printed) <= WIDTH or " " not in text
    assert printed.count("/*") == printed.count("*/") == 1
    assert all(line == line.rstrip() for line in printed.split("\n"))


# Bodies


def _body(*statements: object, declarations: tuple[Declaration, ...] = ()) -> str:
    return print_body(declarations, statements)  # type: ignore[arg-type]


def test_declarations_go_from_long_to_short() -> None:
    declared = (
        Declaration("int", "ret"),
        Declaration("struct edu_device *", "edu", "to_edu(vdev)"),
        Declaration("u32", "status", "0"),
    )
    assert _body(Return("0"), declarations=declared) == (
        "\tstruct edu_device *edu = to_edu(vdev);\n\tu32 status = 0;\n\tint ret;\n\n\treturn 0;"
    )


def test_a_declaration_stays_behind_what_it_uses() -> None:
    declared = (
        Declaration("struct a *", "a", "x->private_data"),
        Declaration("struct very_long_name *", "b", "a->member_of_that_structure"),
        Declaration("u8", "c[16]", '"a b"'),
        Declaration("u8", "d[sizeof(c)]"),
    )
    assert [line.split(" ", 1)[1] for line in _body(declarations=declared).split("\n")] == [
        "a *a = x->private_data;",
        "very_long_name *b = a->member_of_that_structure;",
        'c[16] = "a b";',
        "d[sizeof(c)];",
    ]


def test_a_member_of_the_same_name_is_no_use() -> None:
    declared = (Declaration("int", "ret"), Declaration("int", "a", "x->ret + y.ret"))
    assert _body(declarations=declared) == "\tint a = x->ret + y.ret;\n\tint ret;"


@given(st.permutations(["a", "bb", "ccc", "dddd", "eeeee"]), st.lists(st.integers(0, 4), max_size=5))
def test_declarations_keep_their_dependencies(names: list[str], uses: list[int]) -> None:
    declared = [
        Declaration("int", name, names[uses[at]] if at < len(uses) and uses[at] < at else None)
        for at, name in enumerate(names)
    ]
    lines = print_body(declared, []).split("\n")
    printed = [re.findall(r"\w+", line)[1:] for line in lines]
    assert sorted(item[0] for item in printed) == sorted(names)
    seen: set[str] = set()
    for name, *used in printed:
        assert set(used) <= seen
        seen.add(name)


def test_braces_only_where_they_are_needed() -> None:
    long = "ret = vfio_check_precopy_ioctl(&vdev->core_device.vdev, cmd, arg, &info, GFP_KERNEL)"
    assert _body(If("a", (Return(),), (If("b", (Goto("out"),), (Expr("x = 1"),)),))) == (
        "\tif (a)\n\t\treturn;\n\telse if (b)\n\t\tgoto out;\n\telse\n\t\tx = 1;"
    )
    assert _body(If("a", (Expr("x()"),), (Expr("y()"), Return("1")))) == (
        "\tif (a) {\n\t\tx();\n\t} else {\n\t\ty();\n\t\treturn 1;\n\t}"
    )
    assert _body(If("a", (Comment("Why."), Return("1")))) == (
        "\tif (a) {\n\t\t/* Why. */\n\t\treturn 1;\n\t}"
    )
    assert _body(If("a", (Expr(long),))).startswith("\tif (a) {\n")
    assert _body(For("for (;;)", (If("a", (Expr("break"),)),))) == (
        "\tfor (;;) {\n\t\tif (a)\n\t\t\tbreak;\n\t}"
    )
    assert _body(While("a", (Expr("b()"),))) == "\twhile (a)\n\t\tb();"
    assert _body(Do((Expr("b()"),), "a")) == "\tdo {\n\t\tb();\n\t} while (a);"
    assert _body(Block((Declaration("int", "x"),), (Expr("f(&x)"),))) == (
        "\t{\n\t\tint x;\n\n\t\tf(&x);\n\t}"
    )


def test_a_switch_breaks_where_it_would_fall_through() -> None:
    cases = (Case(("A", "B"), (Expr("x()"),)), Case(("C",), (Return("1"),)), Case((), ()))
    assert _body(Switch("state", cases)) == (
        "\tswitch (state) {\n\tcase A:\n\tcase B:\n\t\tx();\n\t\tbreak;\n"
        "\tcase C:\n\t\treturn 1;\n\tdefault:\n\t\tbreak;\n\t}"
    )


def test_blank_lines_are_never_two_and_never_beside_a_brace() -> None:
    printed = _body(
        Blank(),
        If("a", (Blank(), Expr("x()"), Blank(), Blank(), Expr("y()"), Blank())),
        Blank(),
        Blank(),
        Expr("z()"),
        Label("out"),
        Expr("u()"),
        Label("free"),
        Return("0"),
        Blank(),
        declarations=(Declaration("int", "ret"),),
    )
    assert printed == (
        "\tint ret;\n\n\tif (a) {\n\t\tx();\n\n\t\ty();\n\t}\n\n\tz();\n\nout:\n\tu();\nfree:\n\treturn 0;"
    )


def test_raw_lines_are_only_indented() -> None:
    assert _body(Raw(("a", "", "\tb"))) == "\ta\n\n\t\tb"


# A whole file, for those who know the style


def _function(head: str, *parts: object) -> str:
    declarations = [part for part in parts if isinstance(part, Declaration)]
    rest = [part for part in parts if not isinstance(part, Declaration)]
    return f"{head}\n{{\n{print_body(declarations, rest)}\n}}\n"  # type: ignore[arg-type]


def _sample() -> str:
    long = "struct edu_core_device_with_a_long_name *"
    states = "state == EDU_STATE_RUNNING_AND_MORE && next == EDU_STATE_STOPPED_AND_MORE"
    parts = [
        "// SPDX-License-Identifier: GPL-2.0-only\n" + comment("Sample of */ the layout engine."),
        "struct edu {\n\tint state;\n\tunsigned int regs[4];\n\tint (*f)(struct edu *edu);\n};\n",
        comment("A comment of more than one line, which ends with a backslash \\\n\nand more.\\"),
        _function(
            function_head("int", "edu_step", ["struct edu *edu", "int state", "int next"]),
            Declaration("int", "ret", "0"),
            Declaration("struct edu *", "other_device_of_this_driver", "edu"),
            If(f"({states}) || (next == state && other_device_of_this_driver)", (Return("-1"),)),
            Blank(),
            If("state", (Expr("ret = edu->f(edu)"), If("ret", (Goto("out"),)))),
            If("next", (Comment("Why this is so."), Expr("edu->state = next"))),
            If(
                "ret",
                (Expr("ret = 1"),),
                (If("next > 2", (Expr("ret = 2"), Expr("edu->state = 2")), (Expr("ret = 3"),)),),
            ),
            For("for (int i = 0; i < 4; i++)", (Expr("edu->regs[i] = i"),)),
            For("for (int i = 0; i < 4; i++)", (If("i > 2", (Expr("break"),)),)),
            While("edu->state > 2", (Expr("edu->state--"),)),
            Do((Expr("edu->state++"),), "edu->state < 2"),
            Switch(
                "next",
                (
                    Case(("1", "2"), (Expr("ret = 4"),)),
                    Case(("3",), (Return("5"),)),
                    Case((), (Expr("ret = 6"), Goto("out"))),
                ),
            ),
            If(
                "ret == 4",
                (
                    Expr(
                        "edu->regs[edu->state & 3] = edu_combine(edu, edu->regs[0], edu->regs[1],"
                        " edu->regs[2])"
                    ),
                ),
            ),
            Block((Declaration("int", "x", "edu->state"),), (Expr("ret += x"),)),
            Label("out"),
            Expr("edu->state = 0"),
            Label("out_unlocked"),
            Return("ret"),
        ),
        _function(
            function_head(long, "edu_find_device_by_state", [f"{long}edu", "int state"]),
            Return(f"state > 5 || ({states.replace('next', '(state + 1)')}) ? (void *)0 : edu"),
        ),
        _function(
            function_head("int", "edu_huge", ["struct edu *virtvdev", "int bytes"]),
            If("bytes", (Return(HUGE_CALL.removeprefix("return ").removesuffix(";")),)),
            Blank(),
            Return("0"),
        ),
        wrap(f"MODULE_DESCRIPTION({c_string('a long description ' * 8)});"),
        "static const struct edu edu_first = {\n"
        + designated([("state", "EDU_STATE_RUNNING_AND_MORE"), ("f", "edu_start")])
        + "\n};",
    ]
    return "\n".join(parts) + "\n"


def test_checkpatch_has_nothing_to_say(newest_tree: Path, tmp_path: Path) -> None:
    if not shutil.which("perl"):
        pytest.skip("no perl")
    sample = tmp_path / "sample.c"
    sample.write_text(_sample(), encoding="utf-8")
    script = newest_tree / "scripts/checkpatch.pl"
    command = ["perl", str(script), "--no-tree", "--strict", "--show-types", "-f", str(sample)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "0 errors, 0 warnings, 0 checks" in done.stdout, done.stdout + sample.read_text()


def test_the_sample_compiles() -> None:
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    start = (
        "enum { EDU_STATE_RUNNING_AND_MORE, EDU_STATE_STOPPED_AND_MORE };\n"
        "struct edu;\n"
        "int edu_combine(struct edu *edu, int a, int b, int c);\n"
        "static int edu_start(struct edu *edu) { return !edu; }\n"
        "#define MODULE_DESCRIPTION(text) struct edu\n"
        "#define virtio_pci_admin_dev_parts_metadata_get(a, b, c, d, e) (*e)\n"
    )
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Wno-unused", "-Werror", "-fsyntax-only"]
    done = subprocess.run(
        ["gcc", *flags, "-x", "c", "-"],
        input=start + _sample(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr


@given(st.lists(identifiers, min_size=1, max_size=30), st.integers(0, 3))
def test_calls_of_any_length_fit(arguments: list[str], indent: int) -> None:
    assume(all(len(argument) <= 24 for argument in arguments))
    printed = wrap_call("ret = some_function", arguments, indent=indent)
    assert text_width(printed) <= WIDTH
    assert len({line.index(line.strip()) for line in printed.split("\n")[1:]}) <= 1
