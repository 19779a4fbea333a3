# SPDX-License-Identifier: GPL-2.0-only
"""A table of device operations for each variant of a driver, and which one a device gets."""

from __future__ import annotations

from vfiogen.c import layout as c
from vfiogen.c.names import c_name
from vfiogen.c.text import c_string
from vfiogen.check.names import condition_name, variant_suffix
from vfiogen.check.variants import gated_condition
from vfiogen.kernel.target import Kernel
from vfiogen.model import spec as m
from vfiogen.model import typed as t
from vfiogen.model.types import BOOL
from vfiogen.plan.emulation import mentioned, operations
from vfiogen.plan.lifecycle import has_close, has_init, plan_lifecycle
from vfiogen.plan.lower import PRECEDENCE, Body, Lowering, is_enabled
from vfiogen.plan.migration import migration_flags
from vfiogen.plan.view import Function, Operations, function
from vfiogen.records import Record, replace

# Every member of struct vfio_device_ops that the core may call, and the core's own function for it.
CORE_OPERATIONS = {
    "init": "vfio_pci_core_init_dev",
    "release": "vfio_pci_core_release_dev",
    "open_device": "",
    "close_device": "vfio_pci_core_close_device",
    "ioctl": "vfio_pci_core_ioctl",
    "get_region_info_caps": "vfio_pci_ioctl_get_region_info",
    "device_feature": "vfio_pci_core_ioctl_feature",
    "read": "vfio_pci_core_read",
    "write": "vfio_pci_core_write",
    "mmap": "vfio_pci_core_mmap",
    "request": "vfio_pci_core_request",
    "match": "vfio_pci_core_match",
    "match_token_uuid": "vfio_pci_core_match_token_uuid",
    "bind_iommufd": "vfio_iommufd_physical_bind",
    "unbind_iommufd": "vfio_iommufd_physical_unbind",
    "attach_ioas": "vfio_iommufd_physical_attach_ioas",
    "detach_ioas": "vfio_iommufd_physical_detach_ioas",
    "pasid_attach_ioas": "vfio_iommufd_physical_pasid_attach_ioas",
    "pasid_detach_ioas": "vfio_iommufd_physical_pasid_detach_ioas",
}
# Members that not every kernel has, and the feature that says so.
OPERATION_FEATURES = {
    "get_region_info_caps": "region-info-caps",
    "match_token_uuid": "match-token-uuid",
    "bind_iommufd": "iommufd-ops",
    "unbind_iommufd": "iommufd-ops",
    "attach_ioas": "iommufd-ops",
    "detach_ioas": "detach-ioas",
    "pasid_attach_ioas": "pasid-ops",
    "pasid_detach_ioas": "pasid-ops",
}
# Members that a driver has only if its spec says so.
OF_PASIDS = ("pasid_attach_ioas", "pasid_detach_ioas")


def plan_variants(lowering: Lowering, kernel: Kernel) -> tuple[tuple[Function, ...], tuple[Operations, ...]]:
    """Return the functions of the device's life, each once, and a table for each variant."""
    faces = [_face(lowering, kernel, *face) for face in _faces(lowering.spec)]
    named = _name(faces, lowering.names.prefix)
    functions: dict[str, Function] = {}
    tables = []
    for face in faces:
        found = {}
        for base, made in face.functions.items():
            # What two variants have in common is there once, and under a symbol only if both are.
            key = face.key(base)
            first = functions.get(key, _renamed(lowering, kernel, face, base, named[key]))
            functions[key] = replace(first, config=first.config if first.config == made.config else None)
            found[base] = first.name
        tables.append(
            replace(_table(lowering, face.spec, kernel, face.prefix, face.name, found), config=face.config)
        )
    return tuple(functions.values()), tuple(tables)


class _Face(Record):
    """A variant: the name of its operations, what its C names begin with, its symbol, spec and functions."""

    name: str
    prefix: str
    config: str | None
    spec: m.Spec
    functions: dict[str, Function]

    def key(self, base: str) -> str:
        """Return a function as it is for every variant that has the same."""
        return self.functions[base].text.replace(f"{self.prefix}_{base}", base, 1)


def _face(
    lowering: Lowering, kernel: Kernel, name: str, suffix: str, config: str | None, spec: m.Spec
) -> _Face:
    prefix = "_".join(part for part in (lowering.names.prefix, suffix) if part)
    made = _functions(replace(lowering, spec=spec), kernel, prefix)
    functions = {one.name.removeprefix(f"{prefix}_"): replace(one, config=config) for one in made}
    return _Face(name, prefix, config, spec, functions)


def _name(faces: list[_Face], prefix: str) -> dict[str, str]:
    """Return what each function begins with: the driver's own prefix if variants share it, and no other's."""
    users = [(face.key(base), base, face.prefix) for face in faces for base in face.functions]
    found: dict[str, str] = {}
    for key, base, own in users:
        shared = sum(other == key for other, _, _ in users) > 1
        others = (found.get(one, first) for one, name, first in users if name == base and one != key)
        found.setdefault(key, prefix if shared and prefix not in others else own)
    return found


def _renamed(lowering: Lowering, kernel: Kernel, face: _Face, base: str, prefix: str) -> Function:
    made = face.functions[base]
    if prefix == face.prefix:
        return made
    again = _functions(replace(lowering, spec=face.spec), kernel, prefix)
    return next(replace(one, config=face.config) for one in again if one.name == f"{prefix}_{base}")


def _faces(spec: m.Spec) -> list[tuple[str, str, str | None, m.Spec]]:
    """Return each variant by the name of its operations, what its C names begin with, its symbol and spec."""
    if not spec.variants:
        return [(spec.driver.name.text, "", None, spec)]
    return [
        (
            _operations_name(spec, variant),
            variant_suffix(spec, variant),
            variant.config.text if variant.config else None,
            _narrow(spec, variant),
        )
        for variant in spec.variants
    ]


def _operations_name(spec: m.Spec, variant: m.Variant) -> str:
    """The core has virtual functions bound to what the operations of the physical one are called."""
    return (spec.driver if spec.core and spec.core.sriov else variant).name.text


def _narrow(spec: m.Spec, variant: m.Variant) -> m.Spec:
    """Return the spec with the sections that a variant uses, and nothing that they alone need."""
    living = variant.uses("lifecycle")
    chosen = replace(
        spec,
        provider=spec.provider if variant.use else None,
        events=spec.events if variant.use else (),
        init=spec.init if living else (),
        probe=spec.probe if living else (),
        open=spec.open if living else (),
        migration=spec.migration if variant.uses("migration") else None,
        config_space=spec.config_space if variant.uses("config-space") else (),
        regions=spec.regions if variant.uses("regions") else (),
        capabilities=spec.capabilities if variant.uses("capabilities") else (),
        bar_access=spec.bar_access if variant.uses("bar-access") else None,
        device_features=spec.device_features if variant.uses("device-features") else (),
    )
    needed, opened = mentioned(chosen), mentioned(replace(chosen, probe=()))
    return replace(
        chosen,
        context=tuple(kept for kept in spec.context if variant.use and kept.name.text in needed),
        registers=tuple(
            block
            for block in spec.registers
            if variant.use and block.name.text in (needed if block.is_early else opened)
        ),
    )


def _functions(lowering: Lowering, kernel: Kernel, prefix: str) -> tuple[Function, ...]:
    migration = lowering.spec.migration
    return plan_lifecycle(lowering, kernel, migration_flags(migration) if migration else (), prefix)


def _table(
    lowering: Lowering, spec: m.Spec, kernel: Kernel, prefix: str, name: str, found: dict[str, str]
) -> Operations:
    """Return every member that the kernel's table has; the core calls some of them unconditionally."""
    found = found | operations(replace(lowering, spec=spec), kernel)
    if spec.device_features:
        found = found | {"device_feature": f"{lowering.names.prefix}_device_feature"}
    assert has_init(spec) == ("init" in found)
    assert has_close(spec) == ("close_device" in found)
    present = [n for n in CORE_OPERATIONS if n not in OPERATION_FEATURES or kernel.has(OPERATION_FEATURES[n])]
    members = [(n, found.get(n, CORE_OPERATIONS[n])) for n in present if n not in _absent(spec)]
    return Operations(f"{prefix}_ops", (("name", c_string(name)), *members))


def _absent(spec: m.Spec) -> tuple[str, ...]:
    """Return the members that the driver has none for; without `mmap` nothing can be mapped."""
    pasids = spec.core is not None and spec.core.pasid
    return (*(("mmap",) if spec.bar_access else ()), *(() if pasids else OF_PASIDS))


def plan_choice(lowering: Lowering, tables: tuple[Operations, ...]) -> Function | None:
    """Return the function that picks a device's operations, if there is anything to pick."""
    variants = lowering.spec.variants
    if not any(variant.when or variant.config for variant in variants):
        return None
    body = Body(lowering, lowering.scope.before_open(), lowering.names.prefix, core="pdev")
    put = _look_up_parent(body)
    choices = list(zip(variants, tables, strict=True))
    if put is None:
        _choose_at_once(body, choices)
    else:
        body.local("const struct vfio_device_ops *", "ops", "NULL")
        body.add(_chain(body, choices), c.Blank(), put, c.Return("ops"))
    name = f"{lowering.names.prefix}_choose_ops"
    return function("const struct vfio_device_ops *", name, ["struct pci_dev *pdev"], body.lines)


def plan_conditions(lowering: Lowering) -> tuple[Function, ...]:
    """Return the conditions that run what is under a symbol, each a function under it as well."""
    gated = [v for v in lowering.spec.variants if gated_condition(lowering.spec, v)]
    return tuple(_condition_function(lowering, variant) for variant in gated)


def _condition_function(lowering: Lowering, variant: m.Variant) -> Function:
    body = Body(lowering, lowering.scope.before_open(), lowering.names.prefix, core="pdev")
    typed = lowering.analysis.condition(variant.when, body.scope)
    if typed is not None:
        body.add(c.Return(body.value(typed)))
    made = function("bool", _condition_name(body, variant), ["struct pci_dev *pdev"], body.lines)
    return replace(made, config=variant.config.text if variant.config else None)


def _condition_name(body: Body, variant: m.Variant) -> str:
    return f"{body.names.prefix}_{condition_name(body.lowering.spec, variant)}"


def _condition(body: Body, variant: m.Variant) -> str | None:
    """Print the condition of a variant, or nothing for one that takes every device."""
    config = variant.config.text if variant.config else None
    said = [is_enabled(config)] if config else []
    if gated_condition(body.lowering.spec, variant):
        said.append(f"{_condition_name(body, variant)}(pdev)")
    else:
        typed = body.lowering.analysis.condition(variant.when, body.scope)
        said += [body.value(typed, PRECEDENCE["and"] if said else 0)] if typed else []
    return " && ".join(said) or None


def _look_up_parent(body: Body) -> c.Stmt | None:
    """Get the parent's handle, if a condition asks for it; return what gives it back."""
    spec = body.lowering.spec
    provider = spec.provider
    analysis, scope = body.lowering.analysis, body.scope
    conditions = [variant.when for variant in spec.variants if variant.when]
    if provider is None or not any(provider.handle.text in analysis.reach.reached(f) for f in conditions):
        return None
    get, put = analysis.call(provider.get, scope), analysis.call(provider.put, scope)
    handle = c_name(provider.handle.text)
    if get is not None:
        body.local(get.type.c, handle, body.kernel_call(get))
    if put is None or get is None:
        return None
    return c.If(body.value(t.Found(BOOL)), (c.Expr(body.kernel_call(put)),))


def _choose_at_once(body: Body, choices: list[tuple[m.Variant, Operations]]) -> None:
    for variant, table in choices:
        condition = _condition(body, variant)
        if condition is None:
            body.add(c.Return(f"&{table.name}"))
            return
        body.add(c.If(condition, (c.Return(f"&{table.name}"),)))
    body.add(c.Return("NULL"))


def _chain(body: Body, choices: list[tuple[m.Variant, Operations]]) -> c.Stmt:
    """Return `if ... else if ...` over the variants."""
    (variant, table), rest = choices[0], choices[1:]
    chosen = c.Expr(f"ops = &{table.name}")
    condition = _condition(body, variant)
    if condition is None:
        return chosen
    return c.If(condition, (chosen,), (_chain(body, rest),) if rest else ())


def always_found(spec: m.Spec) -> bool:
    """Tell whether every device gets some operations."""
    last = spec.variants[-1] if spec.variants else None
    return last is None or (last.when is None and last.config is None)
