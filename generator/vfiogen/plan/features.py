# SPDX-License-Identifier: GPL-2.0-only
"""Features of the device that the user asks for, and what is put into the buffer that he names."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.check.names import feature_name
from vfiogen.model import spec as m
from vfiogen.model.types import read_type
from vfiogen.plan.lower import Body, Lowering
from vfiogen.plan.view import Function, function

PARAMETERS = ["struct vfio_device *core_vdev", "u32 flags", "void __user *arg", "size_t argsz"]
ARGUMENTS = "core_vdev, flags, arg, argsz"


def plan_features(lowering: Lowering) -> tuple[Function, ...]:
    """Return a function for each feature, and the one that chooses from them."""
    prefix, features = lowering.names.prefix, lowering.spec.device_features
    if not features:
        return ()
    made = []
    cases = []
    for feature in features:
        body = Body(lowering, lowering.scope, prefix)
        body.local(f"{lowering.names.device} *", prefix, f"{prefix}_from_vfio(core_vdev)")
        name = f"{prefix}_{feature_name(feature)}"
        made.append(feature_function(body, feature, name))
        cases.append(c.Case((feature.id.text,), (c.Return(f"{name}({ARGUMENTS})"),)))
    cases.append(c.Case((), (c.Return(f"vfio_pci_core_ioctl_feature({ARGUMENTS})"),)))
    choice: list[c.Stmt] = [c.Switch("flags & VFIO_DEVICE_FEATURE_MASK", tuple(cases))]
    return (*made, function("int", f"{prefix}_device_feature", PARAMETERS, ([], choice)))


def feature_function(body: Body, feature: m.DeviceFeature, name: str, static: bool = True) -> Function:
    """Return the function that answers a feature."""
    run = body.lowering.analysis.action(feature.get, body.scope)
    assert run is not None
    result = run.command.results[0]
    kind = read_type(result.type.text)
    assert kind is not None
    wanted = body.local(feature.structure.text, "wanted")
    got = body.fresh(kind.c, c_name(result.name.text))
    body.declarations[got] = c.Declaration(kind.c, got, "{}")
    ret, to = body.ret(), body.local("void __user *", "to")
    body.add(
        c.Expr(f"{ret} = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET, sizeof({wanted}))"),
        c.If("ret != 1", (c.Return("ret"),)),
        c.If(f"copy_from_user(&{wanted}, arg, sizeof({wanted}))", (c.Return("-EFAULT"),)),
        c.Blank(),
        c.Comment("What is told once must not be lost for want of room."),
        c.Expr(f"{to} = u64_to_user_ptr({wanted}.{feature.buffer})"),
        c.If(f"clear_user({to}, sizeof({got}))", (c.Return("-EFAULT"),)),
        c.Blank(),
    )
    body.run(run, f"&{got}")
    body.add(c.If(f"copy_to_user({to}, &{got}, sizeof({got}))", (c.Return("-EFAULT"),)), c.Return("0"))
    note = feature.note.text if feature.note else None
    return function("int", name, PARAMETERS, body.lines, note, feature.id.span, static)
