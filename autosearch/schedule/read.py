"""Reading the schedule back from a pipeline's serialized form: the user's own, or what an autoscheduler applied."""

from __future__ import annotations

import re

from autosearch.errors import ScheduleError
from autosearch.pipeline.decode import constant_of, deep_recursion
from autosearch.pipeline.flatbuffer import Node, enum_names, read_pipeline
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey
from autosearch.schedule.copies import read_copies
from autosearch.schedule.directives import (
    Align,
    AlignBounds,
    AlignStorage,
    At,
    Atomic,
    Bound,
    BoundExtent,
    BoundStorage,
    ComputeAt,
    ComputeRoot,
    ComputeWith,
    Directive,
    FoldStorage,
    Fuse,
    HoistStorage,
    HoistStorageRoot,
    Memory,
    Parallel,
    Partition,
    PartitionPolicy,
    Prefetch,
    PrefetchStrategy,
    Reorder,
    ReorderStorage,
    Split,
    StoreAt,
    StoreIn,
    StoreRoot,
    Tail,
    Unroll,
    Vectorize,
)
from autosearch.schedule.schedule import Schedule, Step

_COUNTER = re.compile(r"^[A-Za-z_]\d+$")
_ROOT = "__root"
_OUTERMOST = "__outermost"


def read_schedule(data: bytes, algorithm: Algorithm) -> Schedule:
    """The schedule of the serialized pipeline `data`, whose algorithm is `algorithm`.

    Raises `ScheduleError` naming what can't be expressed (a directive that AutoSearch doesn't know, or a schedule that
    changed the set of Funcs).
    """
    with deep_recursion():
        root = read_pipeline(data)
    nodes = {node.name: node for node in root.funcs}
    structure, algorithm = read_copies(root, algorithm)
    extra = sorted(set(nodes) - set(algorithm.halide_names))
    if extra:
        raise ScheduleError(f"the schedule adds Func {extra[0]!r} (by rfactor())")
    reader = _Reader(algorithm, dict(zip(algorithm.halide_names, (f.name for f in algorithm.funcs), strict=True)))
    for func, halide_name in reversed(list(zip(algorithm.funcs, algorithm.halide_names, strict=True))):
        if halide_name in nodes:
            reader.read_func(func, nodes[halide_name])
        elif not func.is_pure:  # a pure one was inlined for good: autoschedulers substitute trivial Funcs
            raise ScheduleError(f"the scheduled pipeline lacks Func {halide_name!r}")
    return Schedule((*structure, *reader.steps, *reader.joins()))


class _Reader:
    """Reads Funcs consumers first, so that a loop level refers to loops already named."""

    def __init__(self, algorithm: Algorithm, canonical: dict[str, str]) -> None:
        self.algorithm = algorithm
        self.canonical = canonical
        self.loops: dict[str, dict[str, str]] = {}  # Func -> dotted name in Halide -> our name
        self.steps: list[Step] = []
        self.fused: list[tuple[Func, Stage, Node]] = []
        """Stages that share loops, with the level down to which they do: it may be of a Func that is read later."""

    def read_func(self, func: Func, node: Node) -> None:
        schedule = node.func_schedule
        self.loops[func.name] = {}
        placement = self.placement(func, schedule)
        stages: list[Step] = []
        for stage, definition in zip(func.stages, [node.init_def, *node.updates], strict=False):
            if definition is not None:
                stages += [Step(stage.key, d) for d in self.stage(func, stage, definition, node.args)]
        key = StageKey(func.name)
        self.steps += [Step(key, d) for d in placement + self.bounds(func, node) + self.storage(func, node)] + stages

    def placement(self, func: Func, schedule: Node) -> list[Directive]:
        if func.name in self.algorithm.outputs:
            return []
        compute, store, hoist = schedule.compute_level, schedule.store_level, schedule.hoist_storage_level
        if not compute.var_name:
            return []
        result: list[Directive] = [ComputeRoot() if compute.var_name == _ROOT else ComputeAt(self.level(func, compute))]
        if store.var_name and _where(store) != _where(compute):
            result.append(StoreRoot() if store.var_name == _ROOT else StoreAt(self.level(func, store)))
        if hoist.var_name and _where(hoist) not in (_where(compute), _where(store)):
            result.append(HoistStorageRoot() if hoist.var_name == _ROOT else HoistStorage(self.level(func, hoist)))
        return result

    def joins(self) -> list[Step]:
        """A `compute_with` for each stage that shares loops of another."""
        strategies = enum_names("LoopAlignStrategy")
        steps = []
        for func, stage, fuse in self.fused:
            level, named = fuse.fuse_level, dict(zip(fuse.align_dimension_names, fuse.align_strategies, strict=True))
            kinds = {strategies[value] for value in named.values()}
            if len(kinds) > 1:
                raise ScheduleError(f"{stage.key} uses compute_with() with a strategy for each loop")
            align = Align(kinds.pop()) if kinds else Align.AUTO
            steps.append(Step(stage.key, ComputeWith(self.level(func, level), int(level.stage_index), align)))
        return steps

    def level(self, func: Func, level: Node) -> At:
        consumer = self.canonical.get(level.func_name, level.func_name)
        if level.var_name == _OUTERMOST:
            raise ScheduleError(f"{func.name} is computed at Var::outermost() of {consumer}")
        for dotted, name in self.loops.get(consumer, {}).items():
            if dotted == level.var_name or dotted.endswith("." + level.var_name):
                return At(consumer, name)
        raise ScheduleError(f"{func.name} is computed at {consumer}, {level.var_name}, which is no loop of it")

    def bounds(self, func: Func, node: Node) -> list[Directive]:
        """What is stated of bounds beyond what the algorithm states."""
        canonical = dict(zip(node.args, func.args, strict=True))
        own = {name for name, _, _ in func.bounds}, {name for name, _, _ in func.alignments}
        result: list[Directive] = []
        for one in node.func_schedule.bounds:
            dim = canonical.get(one.var, one.var)
            if one.modulus is not None and dim not in own[1]:
                modulus = self.constant(one.modulus, func, "align_bounds")
                first = one.remainder.a if one.remainder.kind == "Mod" else one.remainder  # Halide reduces it itself
                result.append(AlignBounds(dim, modulus, self.constant(first, func, "align_bounds") % modulus))
            elif one.modulus is None and dim not in own[0]:
                extent = self.constant(one.extent, func, "bound")
                if one.min is None:
                    result.append(BoundExtent(dim, extent))
                else:
                    result.append(Bound(dim, self.constant(one.min, func, "bound"), extent))
        return list(dict.fromkeys(result))  # Halide keeps what is stated twice

    def storage(self, func: Func, node: Node) -> list[Directive]:
        schedule = node.func_schedule
        canonical = dict(zip(node.args, func.args, strict=True))
        result: list[Directive] = []
        memory = enum_names("MemoryType")[schedule.memory_type]
        if memory != "Auto":
            try:
                result.append(StoreIn(Memory(memory)))
            except ValueError:
                raise ScheduleError(f"{func.name} is stored in {memory}") from None
        order = tuple(canonical[dim.var] for dim in schedule.storage_dims)
        if order != func.args:
            result.append(ReorderStorage(order))
        for dim in schedule.storage_dims:
            name = canonical[dim.var]
            if dim.alignment is not None:
                result.append(AlignStorage(name, self.constant(dim.alignment, func, "align_storage")))
            if dim.bound is not None:
                result.append(BoundStorage(name, self.constant(dim.bound, func, "bound_storage")))
            if dim.fold_factor is not None:
                factor = self.constant(dim.fold_factor, func, "fold_storage")
                result.append(FoldStorage(name, factor, bool(dim.fold_forward)))
        if schedule.memoized or schedule.field("async") or schedule.ring_buffer is not None:
            raise ScheduleError(f"{func.name} uses memoize(), async() or ring_buffer()")
        return result

    def stage(self, func: Func, stage: Stage, definition: Node, args: list[str]) -> list[Directive]:
        if definition.specializations:
            raise ScheduleError(f"{stage.key} uses specialize()")
        node = definition.stage_schedule
        if node.fuse_level.fuse_level.var_name not in ("", _ROOT):
            self.fused.append((func, stage, node.fuse_level))
        names = _Names(stage, dict(zip(args, func.args, strict=True)), [rvar.var for rvar in node.rvars])
        result: list[Directive] = []
        for split in node.splits:
            kind = enum_names("SplitType")[split.split_type]
            if kind == "RenameVar":
                names.rename(split.old_var, split.outer)
            elif kind == "FuseVars":
                result.append(names.fuse(split.inner, split.outer, split.old_var))
            else:
                factor = self.constant(split.factor, func, "split")
                tail = Tail(enum_names("TailStrategy")[split.tail])
                result.append(names.split(split.old_var, split.outer, split.inner, factor, tail))
        dims = [dim for dim in node.dims if dim.var != _OUTERMOST]
        order = [names.name(dim.var) for dim in dims]
        if order != names.order:
            result.append(Reorder(tuple(order)))
        if node.allow_race_conditions:
            raise ScheduleError(f"{stage.key} uses allow_race_conditions()")
        if node.atomic:
            result.append(Atomic(bool(node.override_atomic_associativity_test)))
        for dim, name in zip(dims, order, strict=True):
            result += self.loop_kind(stage, dim, name)
        for prefetch in node.prefetches:
            result.append(self.prefetch(func, prefetch, names))
        self.loops[func.name].update((dim.var, name) for dim, name in zip(dims, order, strict=True))
        return result

    def loop_kind(self, stage: Stage, dim: Node, name: str) -> list[Directive]:
        result: list[Directive] = []
        kind = enum_names("ForType")[dim.for_type]
        made = {"Parallel": Parallel, "Vectorized": Vectorize, "Unrolled": Unroll}.get(kind)
        if made is not None:
            result.append(made(name))
        elif kind not in ("Serial", "Extern"):
            raise ScheduleError(f"{stage.key} has a loop of kind {kind}")
        policy = enum_names("Partition")[dim.partition_policy]
        if policy != "Auto":
            result.append(Partition(name, PartitionPolicy(policy)))
        return result

    def prefetch(self, func: Func, node: Node, names: _Names) -> Directive:
        target = self.canonical.get(node.name)
        if target is None:
            raise ScheduleError(f"{func.name} prefetches {node.name!r}, which is no Func")
        strategy = PrefetchStrategy(enum_names("PrefetchBoundStrategy")[node.strategy])
        source = names.by_suffix(node.field("from"))
        return Prefetch(
            target, names.by_suffix(node.field("at")), source, self.constant(node.offset, func, "prefetch"), strategy
        )

    def constant(self, node: Node | None, func: Func, directive: str) -> int:
        value = constant_of(node)
        if value is None:
            raise ScheduleError(f"{func.name} has a {directive}() whose argument is not a constant")
        return value


def _where(level: Node) -> tuple[str, str]:
    return (level.func_name, level.var_name.rsplit(".", 1)[-1])


class _Names:
    """Our names for a stage's loops, which Halide calls by dotted paths (`x.xi.xii`), and their order, innermost first."""

    def __init__(self, stage: Stage, args: dict[str, str], rvars: list[str]) -> None:
        self.dotted = dict(args)
        self.dotted.update(zip(rvars, (rvar.name for rvar in stage.rvars), strict=True))
        self.order = list(stage.loop_vars)
        self.own = frozenset(self.dotted.values())

    def name(self, dotted: str) -> str:
        try:
            return self.dotted[dotted]
        except KeyError:
            raise ScheduleError(f"a schedule refers to the unknown loop {dotted!r}") from None

    def by_suffix(self, var: str) -> str:
        for dotted, name in self.dotted.items():
            if name in self.order and (dotted == var or dotted.endswith("." + var)):
                return name
        raise ScheduleError(f"a schedule refers to the unknown loop {var!r}")

    def fresh(self, dotted: str, old: str, suffix: str) -> str:
        last = dotted.rsplit(".", 1)[-1].replace("$", "_")
        name = old + suffix if _COUNTER.match(last) else last
        taken = (set(self.order) | self.own) - {old}
        while name in taken:
            name += suffix
        return name

    def rename(self, old: str, new: str) -> None:
        self.dotted[new] = self.name(old)

    def split(self, old: str, outer: str, inner: str, factor: int, tail: Tail) -> Split:
        before = self.name(old)
        place = self.order.index(before)
        outer_name = self.fresh(outer, before, "o")
        self.order[place] = outer_name
        inner_name = self.fresh(inner, before, "i")
        if inner_name == outer_name:
            inner_name += "i"
        self.order.insert(place, inner_name)
        self.dotted[outer], self.dotted[inner] = outer_name, inner_name
        return Split(before, outer_name, inner_name, factor, tail)

    def fuse(self, inner: str, outer: str, fused: str) -> Fuse:
        inner_name, outer_name = self.name(inner), self.name(outer)
        self.order.remove(outer_name)
        place = self.order.index(inner_name)
        name = self.fresh(fused, inner_name, "f")
        self.order[place] = name
        self.dotted[fused] = name
        return Fuse(inner_name, outer_name, name)
