# SPDX-License-Identifier: GPL-2.0-only
"""The words of the language, and what names mean in one place of a spec."""

from __future__ import annotations

from vfiogen.model import spec as m
from vfiogen.model import types
from vfiogen.model.types import KVM, PCI_DEVICE, VOID, Type
from vfiogen.records import Value, replace

BUILTINS: dict[str, Type] = {
    "device": PCI_DEVICE,
    "parent": PCI_DEVICE,
    "vf-id": types.integer(32),
    "domain": types.integer(32),
    "pci-id": types.integer(16),
    "is-vf": types.BOOL,
    "msix-enabled": types.BOOL,
    "kvm": KVM,
}
# What stays as it is while a device is open.
SETTLED = ("device", "parent", "vf-id", "domain", "pci-id", "is-vf", "kvm")
STREAM_NAMES: dict[str, Type] = {
    "loaded": types.integer(64),
    "capacity": types.integer(64),
    "data": types.USER_DATA,
    "count": types.SIZE,
    "offset": types.integer(64),
    "bar-number": types.integer(32),
    "pages": types.SCATTERED,
    "follows": types.BOOL,
    "running": types.BOOL,
}
BOOLEANS = ("false", "true")
# What is known of an event and of the area, besides.
EVENT_NAMES = ("event", "state")
AREA_LIST: dict[str, Type] = {"list": types.DMA_ADDRESS, "entries": types.integer(32)}
AREA_MEMORY: dict[str, Type] = {"size": types.integer(32)}
# Where a structure is in config space, by the function of the kernel that looks for it.
LOOKUPS = {
    "dvsec": "pci_find_dvsec_capability",
    "pci-capability": "pci_find_capability",
    "pci-extended-capability": "pci_find_ext_capability",
}
# What reads config space, and how many bits.
CONFIG_READS = {"config8": 8, "config16": 16, "config32": 32}
ALIGNMENTS = {"align-down": "ALIGN_DOWN", "align-up": "ALIGN"}
FUNCTIONS = (
    *("align-down", "align-up", "bar", "bar-size", *CONFIG_READS, "dvsec", "end", "found", "join"),
    *("max", "min"),
    *("pci-capability", "pci-extended-capability", "property", "size"),
)
WORDS = frozenset([*BUILTINS, "loaded", "capacity", *BOOLEANS, *FUNCTIONS, "none"])


def words(spec: m.Spec) -> frozenset[str]:
    """Return the names that mean something in a spec without being declared."""
    stream = spec.migration.stream if spec.migration else None
    passing = ("data", "count") if stream and stream.pass_through else ()
    accessed: tuple[str, ...] = (
        ("data", "count", "offset") if any(region.ranges for region in spec.regions) else ()
    )
    mapped: tuple[str, ...] = ("area",) if stream and stream.area else ()
    mapped += ("pages", "follows", "running") if stream and stream.records else ()
    mapped += ("file",) if stream and stream.files else ()
    if spec.bar_access:
        accessed = ("data", "count", "offset", "bar-number")
    known = ("id",) if spec.columns else ()
    return WORDS | {
        *known,
        *(EVENT_NAMES if spec.events else ()),
        *passing,
        *accessed,
        *mapped,
    }


class Scope(Value):
    """What names mean in one place: a command adds its parameters and results, a stream its own names.

    `inside` tells whether it is a command, `mapped` whether registers can be reached, `unmapped` why they
    can't: early, reset or event. `held` tells whether the parent's handle is there, `area` whether that is
    mapped, `attaching` whether it becomes known to the device, `arrays` whether a register with a count is
    all of its elements. `event` is the type of what comes with an event. `base` tells whether it is what a
    block of registers is based on. `image` is the layout whose fields can be read, `may_finish` whether steps
    can be over early. `filed` tells whether there is a migration file.
    """

    spec: m.Spec
    locals: tuple[tuple[m.Parameter, bool], ...] = ()
    stream: frozenset[str] = frozenset()
    event: Type | None = None
    inside: bool = False
    mapped: bool = True
    unmapped: str = "early"
    held: bool = True
    arrays: bool = False
    area: bool = False
    attaching: bool = False
    base: bool = False
    filed: bool = False
    image: m.Layout | None = None
    may_finish: bool = False

    def within(self, command: m.Command) -> Scope:
        """Return the scope inside a command.

        One that is a single call becomes that call where it is run, and so has the stream's names.
        """
        stream = frozenset(STREAM_NAMES) if is_single_call(command) else frozenset()
        results = tuple((result, True) for result in command.results)
        call = self.of_call(command.params)
        return replace(call, locals=(*call.locals, *results), stream=stream, may_finish=True)

    def of_call(self, parameters: tuple[m.Parameter, ...]) -> Scope:
        """Return the scope of a call that gets parameters of its own."""
        found = tuple((parameter, False) for parameter in parameters)
        return replace(self, locals=found, stream=frozenset(), inside=True, held=True, image=None)

    def in_stream(self, *names: str) -> Scope:
        """Return the scope of a place in the migration stream, with some names of its own."""
        return replace(self, stream=frozenset(names))

    def with_file(self) -> Scope:
        """Return the scope of a place where there is a migration file."""
        return replace(self, filed=True)

    def of_image(self, layout: m.Layout | None) -> Scope:
        """Return the scope of a place where the data of a layout is there."""
        return replace(self, image=layout, may_finish=layout is not None)

    def counting(self, counter: m.Parameter) -> Scope:
        """Return the scope of steps that are repeated."""
        return replace(self, locals=((counter, False), *self.locals))

    def of_base(self) -> Scope:
        """Return the scope of what a block of registers is based on."""
        return replace(self, base=True)

    def before_open(self) -> Scope:
        """Return the scope of what is done while no BAR is mapped."""
        return replace(self, mapped=False)

    def in_reset(self) -> Scope:
        """Return the scope of what is done around a reset, when the core may hold the lock of the BARs."""
        return replace(self, mapped=False, unmapped="reset")

    def without_handle(self) -> Scope:
        """Return the scope of what is done while the parent's handle isn't there."""
        return replace(self, held=False)

    def with_area(self) -> Scope:
        """Return the scope of a place where the area is mapped."""
        return replace(self, area=True)

    def in_attach(self) -> Scope:
        """Return the scope of what makes the area known to the device."""
        return replace(self, area=True, attaching=True)

    def in_event(self, data: Type | None) -> Scope:
        """Return the scope of what is done at an event that comes with `data`."""
        return replace(self, event=data or VOID, mapped=False, unmapped="event")

    def of_field(self, field: m.LayoutField) -> Scope:
        """Return the scope of what a field is saved from and loaded into."""
        return replace(self, arrays=field.count is not None)


def is_single_call(command: m.Command) -> bool:
    """Tell whether a command is a call and nothing else, on every kernel."""
    return not command.results and all(body.call is not None for body in command.bodies)
