"""Patches: what is put elsewhere while a clock is on, and all of it taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_replay.clock.native import lead, set_methods

if TYPE_CHECKING:
    from collections.abc import Callable


class Patches:
    """An undo list: the last patch is taken back first, whatever happens to the others."""

    def __init__(self) -> None:
        self._undo: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def lead(self, builtin: Any, function: Callable[..., Any]) -> None:
        """Have a function in C call a Python function."""
        self.after(lead(builtin, function))

    def methods(self, kind: type, functions: dict[str, Callable[..., Any]]) -> None:
        """Give a type in C other methods."""
        self.after(set_methods(kind, functions))

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Give a class or a module another attribute."""
        if name in vars(owner):
            self.after(setattr, owner, name, vars(owner)[name])
        else:
            self.after(delattr, owner, name)
        setattr(owner, name, value)

    def after(self, undo: Callable[..., object], *args: Any) -> None:
        """Have something else undone in its turn."""
        self._undo.append((undo, args))

    def undo(self) -> None:
        """Take everything back."""
        while self._undo:
            undo, args = self._undo.pop()
            try:
                undo(*args)
            except BaseException:
                self.undo()
                raise
