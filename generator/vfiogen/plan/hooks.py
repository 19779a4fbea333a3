# SPDX-License-Identifier: GPL-2.0-only
"""First versions of hand-written sources: what the driver's header will declare, without a body."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis
from vfiogen.plan.commands import parameters, return_type
from vfiogen.plan.lower import Lowering
from vfiogen.plan.names import Names


def stub_files(spec: m.Spec) -> dict[str, str]:
    """Return a compilable source for every hook file that the spec names."""
    lowering = Lowering(spec, Names(spec.driver.prefix.text), Analysis(spec, Problems()))
    files: dict[str, list[str]] = {}
    for command in spec.commands:
        for body in command.bodies:
            if body.hook:
                files.setdefault(body.hook.text, []).append(_stub(lowering, command, body))
    head = f'// SPDX-License-Identifier: {spec.driver.license}\n\n#include "{lowering.names.prefix}.h"\n'
    return {name: "\n".join([head, *stubs]) for name, stubs in files.items()}


def _stub(lowering: Lowering, command: m.Command, body: m.Body) -> str:
    kind = return_type(command, body)
    head = c.function_head(
        kind, lowering.names.own(command.name.text), parameters(lowering, command), static=False
    )
    lines = {"int": ["\treturn -EOPNOTSUPP;"], "bool": ["\treturn false;"]}.get(kind, [])
    return "\n".join([head, "{", *lines, "}\n"])
