"""The directives of a schedule, in the field's own words: each is one call of a method of Halide's `Func` or `Stage`.

A directive knows its fields and which call it stands for; applying, printing as C++ or Python and reading from JSON
are written once, over that call (see `apply`, `source`, `schedule`). Names of loops are canonical: a Func's own
variables, its reduction variables, and names that splits introduce. Source: Halide's `Func.h`, `Schedule.h`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, ClassVar


class Tail(Enum):
    """What a split does where the factor does not divide the extent (`TailStrategy` in Halide's Schedule.h)."""

    ROUND_UP = "RoundUp"
    GUARD_WITH_IF = "GuardWithIf"
    PREDICATE = "Predicate"
    PREDICATE_LOADS = "PredicateLoads"
    PREDICATE_STORES = "PredicateStores"
    SHIFT_INWARDS = "ShiftInwards"
    SHIFT_INWARDS_AND_BLEND = "ShiftInwardsAndBlend"
    ROUND_UP_AND_BLEND = "RoundUpAndBlend"
    AUTO = "Auto"


class Memory(Enum):
    """Where a Func is stored (`MemoryType`)."""

    AUTO = "Auto"
    HEAP = "Heap"
    STACK = "Stack"
    REGISTER = "Register"


class PartitionPolicy(Enum):
    """Whether a loop is split into prologue, steady state and epilogue (`Partition`)."""

    AUTO = "Auto"
    NEVER = "Never"
    ALWAYS = "Always"


class PrefetchStrategy(Enum):
    """What a prefetch does beyond the bounds of what it prefetches (`PrefetchBoundStrategy`)."""

    CLAMP = "Clamp"
    GUARD_WITH_IF = "GuardWithIf"
    NON_FAULTING = "NonFaulting"


class Align(Enum):
    """How loops of different extents are lined up by `compute_with` (`LoopAlignStrategy`)."""

    START = "AlignStart"
    END = "AlignEnd"
    NONE = "NoAlign"
    AUTO = "Auto"


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop variable of the stage that a directive is for."""

    name: str


@dataclass(frozen=True, slots=True)
class At:
    """A loop level: inside the loop `var` of Func `func`."""

    func: str
    var: str


@dataclass(frozen=True, slots=True)
class FuncName:
    """Another Func, named in a directive."""

    name: str


Argument = (
    Loop | At | FuncName | Tail | Memory | PartitionPolicy | PrefetchStrategy | Align | int | bool | tuple[Loop, ...]
)


class _Interned(type):
    """Makes equal directives one object: a search makes the same few over and over, and compares and hashes them."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        cls._made: dict[tuple[Any, ...], Any] = {}

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        key = (args, tuple(kwargs.items())) if kwargs else args
        try:
            return cls._made[key]
        except KeyError:
            one = super().__call__(*args, **kwargs)
            values = tuple(getattr(one, name) for name in cls.__match_args__)  # type: ignore[attr-defined]
            return cls._made.setdefault(key, cls._made.setdefault(values, one))


@dataclass(frozen=True)
class Directive(metaclass=_Interned):
    """Base of all directives. `of_func`: a method of `Func` only, not of an update's `Stage`.

    Equal directives are the same object.
    """

    method: ClassVar[str]
    of_func: ClassVar[bool] = False
    __hash__ = object.__hash__

    def __init_subclass__(cls) -> None:
        cls.__eq__ = object.__eq__  # type: ignore[method-assign]  # before `dataclass` makes slower ones
        cls.__hash__ = object.__hash__  # type: ignore[assignment,method-assign]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, one.name) for one in fields(self))

    def arguments(self) -> tuple[Argument, ...]:
        """The arguments of the call, in order."""
        raise NotImplementedError


@dataclass(frozen=True)
class Split(Directive):
    """Split loop `old` into `outer` and `inner`, `inner` running `factor` iterations."""

    method = "split"
    old: str
    outer: str
    inner: str
    factor: int
    tail: Tail = Tail.AUTO

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.old), Loop(self.outer), Loop(self.inner), self.factor, self.tail)


@dataclass(frozen=True)
class Fuse(Directive):
    """Make one loop of `inner` and `outer`."""

    method = "fuse"
    inner: str
    outer: str
    fused: str

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.inner), Loop(self.outer), Loop(self.fused))


@dataclass(frozen=True)
class Reorder(Directive):
    """Nest the loops in this order, innermost first."""

    method = "reorder"
    loops: tuple[str, ...]

    def arguments(self) -> tuple[Argument, ...]:
        return (tuple(Loop(name) for name in self.loops),)


@dataclass(frozen=True)
class Vectorize(Directive):
    """Compute the iterations of a loop as one vector."""

    method = "vectorize"
    loop: str

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.loop),)


@dataclass(frozen=True)
class Unroll(Directive):
    """Write out the iterations of a loop one after the other."""

    method = "unroll"
    loop: str

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.loop),)


@dataclass(frozen=True)
class Parallel(Directive):
    """Run the iterations of a loop as tasks of the thread pool."""

    method = "parallel"
    loop: str

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.loop),)


@dataclass(frozen=True)
class Atomic(Directive):
    """Allow a reduction loop to be vectorized or parallel, where the operation is associative."""

    method = "atomic"
    override_associativity_test: bool = False

    def arguments(self) -> tuple[Argument, ...]:
        return (self.override_associativity_test,)


@dataclass(frozen=True)
class Partition(Directive):
    """Whether a loop is partitioned into prologue, steady state and epilogue."""

    method = "partition"
    loop: str
    policy: PartitionPolicy

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.loop), self.policy)


@dataclass(frozen=True)
class Prefetch(Directive):
    """Prefetch what iteration `at + offset` of loop `source` will read of `func`."""

    method = "prefetch"
    func: str
    at: str
    source: str
    offset: int
    strategy: PrefetchStrategy = PrefetchStrategy.GUARD_WITH_IF

    def arguments(self) -> tuple[Argument, ...]:
        return (FuncName(self.func), Loop(self.at), Loop(self.source), self.offset, self.strategy)


@dataclass(frozen=True)
class ComputeRoot(Directive):
    """Compute the whole Func before its consumers."""

    method = "compute_root"
    of_func = True

    def arguments(self) -> tuple[Argument, ...]:
        return ()


@dataclass(frozen=True)
class ComputeAt(Directive):
    """Compute what an iteration of `at` needs at its start."""

    method = "compute_at"
    of_func = True
    at: At

    def arguments(self) -> tuple[Argument, ...]:
        return (self.at,)


@dataclass(frozen=True)
class StoreRoot(Directive):
    """Keep the Func's storage for the whole pipeline."""

    method = "store_root"
    of_func = True

    def arguments(self) -> tuple[Argument, ...]:
        return ()


@dataclass(frozen=True)
class StoreAt(Directive):
    """Keep the Func's storage for an iteration of `at`, a loop outside the one it is computed at."""

    method = "store_at"
    of_func = True
    at: At

    def arguments(self) -> tuple[Argument, ...]:
        return (self.at,)


@dataclass(frozen=True)
class HoistStorageRoot(Directive):
    """Allocate the Func's storage once, outside all loops."""

    method = "hoist_storage_root"
    of_func = True

    def arguments(self) -> tuple[Argument, ...]:
        return ()


@dataclass(frozen=True)
class HoistStorage(Directive):
    """Allocate the Func's storage once an iteration of `at`, a loop outside the one it is stored at."""

    method = "hoist_storage"
    of_func = True
    at: At

    def arguments(self) -> tuple[Argument, ...]:
        return (self.at,)


@dataclass(frozen=True)
class StoreIn(Directive):
    """Keep the Func on the stack, on the heap or in registers."""

    method = "store_in"
    of_func = True
    memory: Memory

    def arguments(self) -> tuple[Argument, ...]:
        return (self.memory,)


@dataclass(frozen=True)
class ReorderStorage(Directive):
    """Lay out the Func's dimensions in this order, innermost first."""

    method = "reorder_storage"
    of_func = True
    dims: tuple[str, ...]

    def arguments(self) -> tuple[Argument, ...]:
        return (tuple(Loop(name) for name in self.dims),)


@dataclass(frozen=True)
class AlignStorage(Directive):
    """Pad a dimension of the storage to a multiple of `alignment` elements."""

    method = "align_storage"
    of_func = True
    dim: str
    alignment: int

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.alignment)


@dataclass(frozen=True)
class BoundStorage(Directive):
    """Promise that a dimension of the storage never needs more than `extent` elements."""

    method = "bound_storage"
    of_func = True
    dim: str
    extent: int

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.extent)


@dataclass(frozen=True)
class FoldStorage(Directive):
    """Keep only the last `factor` coordinates of a dimension, as a circular buffer."""

    method = "fold_storage"
    of_func = True
    dim: str
    factor: int
    forward: bool = True

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.factor, self.forward)


@dataclass(frozen=True)
class Bound(Directive):
    """State that a dimension covers exactly [min, min + extent): Halide checks it at run time."""

    method = "bound"
    of_func = True
    dim: str
    min: int
    extent: int

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.min, self.extent)


@dataclass(frozen=True)
class BoundExtent(Directive):
    """State that a dimension has exactly `extent` coordinates wherever it is computed."""

    method = "bound_extent"
    of_func = True
    dim: str
    extent: int

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.extent)


@dataclass(frozen=True)
class AlignBounds(Directive):
    """Grow what is computed of a dimension to start at `remainder` modulo `modulus` and to be a multiple of it."""

    method = "align_bounds"
    of_func = True
    dim: str
    modulus: int
    remainder: int = 0

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.dim), self.modulus, self.remainder)


@dataclass(frozen=True)
class ComputeWith(Directive):
    """Share the loops of `at.func` from outermost to `at.var`, both stages being computed at the same level."""

    method = "compute_with"
    at: At
    stage: int
    align: Align = Align.AUTO

    def arguments(self) -> tuple[Argument, ...]:
        return (self.at, self.stage, self.align)


@dataclass(frozen=True)
class Specialize(Directive):
    """Where an output covers at least `extents` along its dimensions `dims`, the first split of each of these has `tail`.

    What else is said of the stage's loops, afterwards, holds for both versions, so that loops have the same names in both.
    This is what a schedule for any size needs of Halide's `specialize`, which may state a condition of any kind and another
    schedule for it.
    """

    method = "specialize"
    dims: tuple[str, ...]
    extents: tuple[int, ...]
    tail: Tail

    def arguments(self) -> tuple[Argument, ...]:
        return (tuple(Loop(name) for name in self.dims), self.tail)


@dataclass(frozen=True)
class RFactor(Directive):
    """Accumulate the iterations of reduction loop `loop` apart, in a new Func `func`, and merge them afterwards.

    In the new Func the pure variable `var` takes the loop's place; its other dimensions are those of the Func factored.
    This changes which Funcs there are: see `autosearch.schedule.structure`.
    """

    method = "rfactor"
    loop: str
    var: str
    func: str

    def arguments(self) -> tuple[Argument, ...]:
        return (Loop(self.loop), Loop(self.var))


@dataclass(frozen=True)
class CloneIn(Directive):
    """Give Func `consumer` a copy of this one's definition to call instead, the new Func `func`, scheduled apart.

    This changes which Funcs there are: see `autosearch.schedule.structure`.
    """

    method = "clone_in"
    of_func = True
    consumer: str
    func: str

    def arguments(self) -> tuple[Argument, ...]:
        return (FuncName(self.consumer),)


ALL = "*"
"""Stands for all Funcs that read one."""


@dataclass(frozen=True)
class In(Directive):
    """Let Func `consumer`, or `ALL`, read a copy of this one's values instead, the new Func `func`, scheduled apart.

    This changes which Funcs there are: see `autosearch.schedule.structure`.
    """

    method = "in_"
    of_func = True
    consumer: str
    func: str

    def arguments(self) -> tuple[Argument, ...]:
        return () if self.consumer == ALL else (FuncName(self.consumer),)


COPYING = (CloneIn, In)
"""Directives that make a new Func of the same variables, for others to read instead."""
STRUCTURAL = (RFactor, *COPYING)
"""Directives that make a new Func, the one that their field `func` names."""
PLACING = (ComputeAt, ComputeRoot, StoreAt, StoreRoot)
"""Directives that say where a Func is computed and stored."""
DIRECTIVES: dict[str, type[Directive]] = {
    cls.method: cls
    for cls in (
        Split, Fuse, Reorder, Vectorize, Unroll, Parallel, Atomic, Partition, Prefetch, ComputeRoot, ComputeAt,
        StoreRoot, StoreAt, HoistStorageRoot, HoistStorage, StoreIn, ReorderStorage, AlignStorage, BoundStorage,
        FoldStorage, Bound, BoundExtent, AlignBounds, ComputeWith, Specialize, RFactor, CloneIn, In,
    )
}  # fmt: skip
"""All directives by the name of their method, which is also their name in JSON."""
