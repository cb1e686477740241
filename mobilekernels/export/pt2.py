"""`.pt2`: an ExportedProgram, or what AOTInductor compiles of one. Both load after `import mobilekernels`."""

from __future__ import annotations

import json
import math
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from mobilekernels.errors import FormatError
from mobilekernels.export.contents import Contents, ExportedOp, of_graph, of_texts

COMPILED = ".pt2 (AOTInductor)"


def write(program: ExportedProgram, path: Path) -> None:
    """Saves for `torch.export.load`."""
    torch.export.save(program, path)


def compile_into(program: ExportedProgram, path: Path) -> None:
    """Compiles for this processor, for `torch._inductor.aoti_load_package`. Needs a C++ compiler."""
    # Our operators are calls to the compiler: what it compiles is what is around them.
    with torch.no_grad():
        torch._inductor.aoti_compile_and_package(program, package_path=str(path))


def read(path: Path) -> Contents:
    """Raises FormatError for a file that cannot be read."""
    try:
        return _compiled(path) if is_compiled(path) else of_program(torch.export.load(path), path)
    except FormatError:
        raise
    except Exception as error:  # zipfile, json and torch raise a dozen types
        raise FormatError(
            f"{path}: cannot be read as a .pt2 file: {type(error).__name__}: {error}"
        ) from error


def is_compiled(path: Path) -> bool:
    """Whether AOTInductor made the file."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/aotinductor/" in name for name in archive.namelist())


def of_program(program: ExportedProgram, path: Path) -> Contents:
    """The contents of the file that the program came from."""
    ops, read_by_ours = of_graph(program.graph)
    buffers = program.graph_signature.inputs_to_buffers
    names = {buffers[node.name] for node in read_by_ours if node.name in buffers}
    held = {**program.state_dict, **program.constants}
    return Contents(
        ".pt2",
        tuple(ops),
        "dynamic" if program.range_constraints else "static",
        path.stat().st_size,
        sum(held[name].nbytes for name in names),
    )


# How AOTInductor's code describes a constant.
_CONSTANT = re.compile(r'constants_info_\[\d+\]\.name = "([^"]+)";.*?\.shape = \{([^}]*)\};', re.DOTALL)


def _compiled(path: Path) -> Contents:
    """Operators that the compiled code calls; what Inductor fused into code of its own has no names left."""
    with zipfile.ZipFile(path) as archive:
        (listed,) = [name for name in archive.namelist() if name.endswith("wrapper.json")]
        nodes = [entry["node"] for entry in json.loads(archive.read(listed))["nodes"]]
        code = archive.read(listed.removesuffix(".json") + ".cpp").decode()
    ops: list[ExportedOp] = list(of_texts(map(_call, nodes), "torch"))
    read = {name for node in nodes if node["target"].startswith("mobilekernels::") for name in _tensors(node)}
    # Constants of ours are int8: an element is a byte.
    packed = sum(
        math.prod(int(size) for size in re.findall(r"\d+", shape))
        for name, shape in _CONSTANT.findall(code)
        if name in read
    )
    return Contents(COMPILED, tuple(ops), "", path.stat().st_size, packed)


def _call(node: dict[str, Any]) -> tuple[str, str | None]:
    """The operator that a node calls, and its program where it has one."""
    name: str = node["target"]
    texts = [given["arg"]["as_string"] for given in node["inputs"] if "as_string" in given["arg"]]
    return name, texts[0] if name == "mobilekernels::segment" else None


def _tensors(node: dict[str, Any]) -> list[str]:
    """The names of what a node reads."""
    given = [entry["arg"] for entry in node["inputs"]]
    single = [arg["as_tensor"] for arg in given if "as_tensor" in arg]
    return [tensor["name"] for tensor in [*single, *(t for arg in given for t in arg.get("as_tensors", ()))]]
