"""A C++ header with `apply_schedule_NAME(Halide::Pipeline, const Halide::Target &)`, usable from any Generator."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from autosearch.export.blocks import blocks
from autosearch.export.definitions import definition_digests
from autosearch.export.heading import function_name, heading
from autosearch.export.identifiers import Declaration, Identifiers
from autosearch.export.leftover import untouched
from autosearch.result import Result
from autosearch.schedule.source import CPP, chains


def cpp_header(result: Result, path: Path) -> str:
    """The header's source."""
    name = function_name(path)
    guard = f"AUTOSEARCH_SCHEDULE_{name.upper()}_H"
    lines = [*(f"// {line}".rstrip() for line in heading(result)), "//"]
    lines += [
        f"// Use: call apply_schedule_{name}(get_pipeline(), get_target()) at the end of a Generator's generate(), or in",
        "// its schedule(). It throws (or aborts) with a sentence that names what changed if the algorithm is another.",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        files("autosearch.export").joinpath("check.h.txt").read_text().rstrip(),
        "",
        f"inline void apply_schedule_{name}(Halide::Pipeline pipeline, const Halide::Target &) {{",
        "    using namespace Halide;",
        "    const std::map<std::string, Func> funcs = autosearch_export::check(pipeline, {",
    ]
    digests = definition_digests(result.snapshot)
    for func, digest in zip(result.snapshot.algorithm.funcs, digests, strict=True):
        lines.append(f'        {{"{func.name}", 0x{digest}ull}},')
    lines.append("    });")
    for block in blocks(result.snapshot, result.schedule):
        lines += [f'    Func {identifier} = funcs.at("{func}");' for func, identifier in block.names.funcs.items()]
        lines += [f"    {text}" for text in _declarations(block.names)]
        lines.append("")
        lines += [
            "    " + text.replace("\n", "\n    ") + ";" for text in chains(block.schedule, CPP, block.names, "    ")
        ]
    for name, update in untouched(result.schedule, result.snapshot.algorithm):
        lines.append(f'    Func(funcs.at("{name}")).update({update}).unscheduled();')
    lines += ["}", "", f"#endif  // {guard}"]
    return "\n".join(lines) + "\n"


def _declarations(names: Identifiers) -> list[str]:
    """Declarations of all loop variables: those made by name together, the others one by one."""
    result = []
    for kind, reduction in (("Var", False), ("RVar", True)):
        named = [one for one in names.declarations if one.reduction == reduction and one.name]
        if named:
            each = ", ".join(f'{one.identifier}("{one.name}")' for one in named)
            result.append(f"{kind} {each};")
        for one in names.declarations:
            if one.reduction == reduction and not one.name:
                result.append(f"{kind} {one.identifier} = {_fetched(one, names)};")
    return result


def _fetched(one: Declaration, names: Identifiers) -> str:
    if one.reduction:
        return f"{names.func(one.func)}.rvars({one.update})[{one.place}]"
    return f"{names.func(one.func)}.args()[{one.place}]"
