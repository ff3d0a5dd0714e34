"""Names without the suffixes that Halide adds, so that they are the same in every process.

Halide makes names unique in a process (src/Util.cpp, `unique_name`): a name used again becomes `blur$1`, an unnamed
Func or Var gets a letter and a counter (`f3`, `v12`), an unnamed reduction domain `r4$x`; what it makes of `sum$1` by
`rfactor` is `sum$1_intm`. A name that a person wrote
and that looks like such a counter gets a suffix at once (`c1` becomes `c1$0`), so the two can be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SUFFIX = re.compile(r"\$\d+")
_COUNTER = re.compile(r"^([A-Za-z_])\d+((?:_im|_intm)?)$")
_LAMBDA = re.compile(r"^(lambda_)\d+(?:\$\d+)?$")
_RVAR = re.compile(r"^(.*)\$([xyzw]|\d+)$")
_UNSAFE = re.compile(r"\W")


def base_name(name: str) -> str:
    """The name without what Halide added: `blur$1` -> `blur`, `f3` -> `f`, `c1$0` -> `c1`, `lambda_2` -> `lambda_`."""
    counter = _COUNTER.match(name) or _LAMBDA.match(name)
    return "".join(counter.groups()) if counter else _SUFFIX.sub("", name)


def is_anonymous(name: str) -> bool:
    """Whether Halide made the name up."""
    return bool(_COUNTER.match(name) or _LAMBDA.match(name))


def canonical_funcs(names: Iterable[str]) -> dict[str, str]:
    """Canonical names of Funcs in realization order: the base, numbered where two share it or where it is anonymous.

    Realization order does not depend on suffixes (src/RealizationOrder.cpp), so neither do these names.
    """
    taken: set[str] = set()
    result: dict[str, str] = {}
    for name in names:
        base = base_name(name)
        number = 0
        canonical = f"{base}{number}" if is_anonymous(name) else base
        while canonical in taken:
            number += 1
            canonical = f"{base}{number}" if is_anonymous(name) else f"{base}_{number}"
        taken.add(canonical)
        result[name] = canonical
    return result


def canonical_vars(names: Iterable[str]) -> dict[str, str]:
    """Canonical names of a Func's pure variables: as written, or numbered by place where anonymous."""
    result: dict[str, str] = {}
    for place, name in enumerate(names):
        anonymous = _COUNTER.match(name)
        if anonymous and anonymous[1] != "_":
            canonical = f"{anonymous[1]}{place}"
        else:
            canonical = _UNSAFE.sub("_", _SUFFIX.sub("", name))
        while canonical in result.values():
            canonical += "_"
        result[name] = canonical
    return result


def canonical_rvars(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Canonical names of reduction variables: `r$x` -> `rx`, `r4$y` -> `ry`, `k$2$x` -> `kx`, clear of those taken."""
    used = set(taken)
    result: dict[str, str] = {}
    for name in names:
        parts = _RVAR.match(name)
        stem, dimension = (parts[1], parts[2]) if parts else (name, "")
        canonical = _UNSAFE.sub("_", base_name(stem)) + dimension
        while canonical in used:
            canonical += "_"
        used.add(canonical)
        result[name] = canonical
    return result
