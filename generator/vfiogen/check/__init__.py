# SPDX-License-Identifier: GPL-2.0-only
"""Meaning: what a spec says must be possible, complete and used.

Each module holds the checks of one section and reports every problem that it finds.
"""

from __future__ import annotations

from pathlib import Path

from vfiogen.check.access import check_access
from vfiogen.check.across import check_across
from vfiogen.check.capabilities import check_capabilities
from vfiogen.check.channels import check_channels
from vfiogen.check.columns import check_columns
from vfiogen.check.commands import check_commands
from vfiogen.check.context import check_context
from vfiogen.check.core import check_core
from vfiogen.check.driver import check_driver
from vfiogen.check.events import check_events
from vfiogen.check.features import check_features
from vfiogen.check.kernel import check_gates, check_kernel
from vfiogen.check.migration import check_migration
from vfiogen.check.module import check_module
from vfiogen.check.names import check_names
from vfiogen.check.regions import check_probe, check_regions
from vfiogen.check.registers import check_registers
from vfiogen.check.resets import check_prepare
from vfiogen.check.steps import check_steps, check_undo
from vfiogen.check.structures import check_structures
from vfiogen.check.texts import check_texts
from vfiogen.check.usage import check_usage
from vfiogen.check.variants import check_variants
from vfiogen.diagnostics import Problems
from vfiogen.model import spec as m
from vfiogen.model.analyse import Analysis, Scope

__all__ = ["check_across", "check_kernel", "check_spec"]


def check_spec(spec: m.Spec, directory: Path, problems: Problems, complete: bool) -> None:
    """Report what is wrong with one spec, whatever the kernel.

    `directory` is where its hand-written sources are. A spec that is not `complete` (its structure has
    problems) isn't told what it lacks or doesn't use.
    """
    problems.settle(spec.source)
    analysis, scope = Analysis(spec, problems), _outside(spec)
    check_driver(spec, analysis, problems)
    check_core(spec, problems)
    check_columns(spec, analysis)
    check_texts(spec, problems)
    check_names(spec, problems)
    check_structures(spec, analysis, problems, complete)
    check_registers(spec, problems, complete)
    check_channels(spec, analysis)
    check_commands(spec, analysis, directory, problems)
    check_steps(spec.init, analysis, scope.before_open())
    check_steps(spec.open, analysis, scope)
    check_prepare(spec.reset_prepare, analysis, scope.in_reset())
    check_undo(spec.reset_done, analysis, scope.in_reset())
    check_events(spec, analysis)
    check_context(spec, analysis, scope.before_open())
    check_steps(spec.probe, analysis, scope)
    check_probe(spec, problems)
    check_regions(spec, analysis, scope)
    check_capabilities(spec, spec.capabilities, analysis, Scope(spec))
    check_features(spec, analysis, Scope(spec))
    check_access(spec, analysis, scope)
    check_variants(spec, analysis)
    check_module(spec, analysis, scope)
    check_migration(spec, analysis, scope)
    check_gates(spec, problems)
    if complete:
        check_usage(spec, problems)


def _outside(spec: m.Spec) -> Scope:
    """Return the scope of what is done outside of commands; they look up a handle that isn't kept."""
    scope = Scope(spec)
    return scope.without_handle() if spec.provider and spec.provider.hold == "call" else scope
