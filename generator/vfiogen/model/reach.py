# SPDX-License-Identifier: GPL-2.0-only
"""What commands need of the place where they are run, themselves or through the commands that they run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from vfiogen.model import spec as m
from vfiogen.model.scope import STREAM_NAMES, is_single_call
from vfiogen.model.walk import formulas, names
from vfiogen.records import Record


class Reach(Record, dict=True):
    """The commands of a spec and what they mention."""

    spec: m.Spec

    def mentions(self, command: m.Command) -> frozenset[str]:
        """Return the names that the bodies of a command mention, and the commands that its hooks run."""
        return self._mentions[command.name.text]

    def reached(self, formula: m.Formula) -> frozenset[str]:
        """Return the names that an expression mentions, itself or through the commands that it runs."""
        found: set[str] = set()
        waiting = list(names([formula]))
        while waiting:
            name = waiting.pop()
            if name not in found:
                waiting += self._mentions.get(name, ())
            found.add(name)
        return frozenset(found)

    def uses_registers(self, command: m.Command) -> bool:
        """Tell whether a command reads or writes registers."""
        return command.name.text in self._register_users

    def uses_area(self, command: m.Command) -> bool:
        """Tell whether a command, or one that it runs, tells the device where the area is."""
        return command.name.text in self._area_users

    def stream_names(self, command: m.Command) -> frozenset[str]:
        """Return the names of the stream that a command gets from where it is run."""
        users = self._stream_users
        return frozenset(name for name, commands in users.items() if command.name.text in commands)

    @cached_property
    def _mentions(self) -> dict[str, frozenset[str]]:
        return {
            command.name.text: frozenset([*names(formulas(command)), *(used.text for used in command.uses)])
            for command in self.spec.commands
        }

    @cached_property
    def _register_users(self) -> set[str]:
        blocks = {block.name.text for block in self.spec.bar_blocks}
        direct = {name for name, found in self._mentions.items() if found & blocks}
        return self._spread(direct, self.spec.commands)

    @cached_property
    def _area_users(self) -> set[str]:
        direct = {name for name, found in self._mentions.items() if "area" in found}
        return self._spread(direct, self.spec.commands)

    @cached_property
    def _stream_users(self) -> dict[str, set[str]]:
        single = [command for command in self.spec.commands if is_single_call(command)]
        return {name: self._spread(self._mentioning(name, single), single) for name in STREAM_NAMES}

    def _mentioning(self, name: str, commands: Iterable[m.Command]) -> set[str]:
        """Return the commands that mention a name of the stream, which no parameter of theirs has."""
        return {
            c.name.text
            for c in commands
            if name in self.mentions(c) and all(p.name.text != name for p in c.params)
        }

    def _spread(self, found: set[str], callers: Iterable[m.Command]) -> set[str]:
        """Return commands and those of the callers that run them, directly or through others."""
        runs: dict[str, list[str]] = {}
        for caller in callers:
            for name in self.mentions(caller):
                runs.setdefault(name, []).append(caller.name.text)
        reached, waiting = set(found), list(found)
        while waiting:
            more = {name for name in runs.get(waiting.pop(), ()) if name not in reached}
            reached |= more
            waiting += more
        return reached
