"""Which extents are compile-time constants: because they are stated, or because all who read do so over constant extents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from autosearch.pipeline.access import Edge
from autosearch.pipeline.bounds import Dataflow
from autosearch.pipeline.intervals import Bindings, constant_value
from autosearch.pipeline.ir import Func, ReductionVar, StageKey

Stated = frozenset[tuple[str, str]]
"""Dimensions of outputs whose extents a schedule states: a Func and its dimension each."""
NOTHING: Stated = frozenset()

Dimensions = Mapping[str, frozenset[str]]
"""Some of the dimensions of each Func."""
Short = Callable[[Edge, int, Set[str]], bool]
"""Whether an index (of an edge's reads, in one dimension) that is no sum of variables keeps to a few coordinates, where some
of the consumer's variables are known to be of constant extent."""


class ConstantExtents:
    """The constant extents of one algorithm, whatever the sizes."""

    def __init__(self, flow: Dataflow) -> None:
        self._flow = flow
        self._algorithm = flow.algorithm
        self._blank = Bindings(flow.algorithm)

    def dimensions(self, stated: Stated, short: Short) -> Dimensions:
        """The dimensions whose extents are fixed: by a bound, by being stated, or by how all consumers read them."""
        found: dict[str, frozenset[str]] = {}
        for func in reversed(self._algorithm.funcs):
            bounded = {
                n for n, _, size in func.bounds if size is not None and constant_value(size, self._blank) is not None
            }
            bounded |= {arg for name, arg in stated if name == func.name}
            if func.name not in self._algorithm.outputs:
                bounded |= {arg for place, arg in enumerate(func.args) if self._read_constantly(func, place, found, short)}
            found[func.name] = frozenset(bounded & set(func.args))
        return found

    def steady(self, constant: Dimensions) -> Dimensions:
        """Those of the `constant` dimensions that are so in each iteration of any loop too.

        Of `a(k, i)` and `a(2, i)` together all of the first dimension is needed over all k, but another part of it, and
        another number of elements, for each k.
        """
        found: dict[str, frozenset[str]] = {}
        for func in reversed(self._algorithm.funcs):
            dims = constant[func.name]
            if func.name not in self._algorithm.outputs:
                steadily = {arg for place, arg in enumerate(func.args) if self._read_steadily(func, place, found)}
                dims = dims & (steadily | {name for name, _, _ in func.bounds})
            found[func.name] = dims
        return found

    def reduction_vars(self, key: StageKey) -> frozenset[str]:
        """Reduction variables of a stage whose range is constant."""
        return frozenset(rvar.name for rvar in self._algorithm.stage(key).rvars if self._is_constant(rvar))

    def _is_constant(self, rvar: ReductionVar) -> bool:
        return constant_value(rvar.extent, self._blank) is not None and constant_value(rvar.min, self._blank) is not None

    def _read_steadily(self, func: Func, place: int, known: Dimensions) -> bool:
        """Whether all who read a dimension do so by the same variable, which is steady itself, or all by none."""
        forms: set[tuple[int, ...]] = set()
        for key in self._algorithm.consumers[func.name]:
            rvars = {rvar.name for rvar in self._algorithm.stage(key).rvars}
            own: set[tuple[tuple[str, int], ...]] = set()
            for edge in self._flow.edges[key]:
                if edge.producer == func.name and not edge.is_input:
                    own.update(one.coefficients for access in edge.accesses if (one := access.index[place]) is not None)
            if len(own) > 1 or any(name not in rvars | known[key.func] for terms in own for name, _ in terms):
                return False
            forms.update(tuple(sorted(factor for _, factor in terms)) for terms in own)
        return len(forms) <= 1

    def _read_constantly(self, func: Func, place: int, known: Dimensions, short: Short) -> bool:
        for key in (*self._algorithm.consumers[func.name], *(stage.key for stage in func.updates)):
            fixed = self.reduction_vars(key) | known.get(key.func, frozenset())
            if key.func == func.name:
                fixed = fixed | {func.args[place]}
            edges = [edge for edge in self._flow.edges[key] if edge.producer == func.name and not edge.is_input]
            for edge in edges + ([self._flow.stores[key]] if key.func == func.name else []):
                for access in edge.accesses:
                    index = access.index[place]
                    if index is None:
                        if not short(edge, place, fixed):
                            return False
                    elif any(variable not in fixed for variable, _ in index.coefficients):
                        return False
        return True
