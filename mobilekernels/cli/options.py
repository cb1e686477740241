"""Options that several commands share."""

from __future__ import annotations

import argparse

from mobilekernels.models import FORMS

ENGINES = (
    "mobilekernels",
    "torch-float",
    "qnnpack",
    "fbgemm",
    "onednn",
    "xnnpack-float",
    "xnnpack",
    "xnnpack-same",
)
# Not among "all": they need packages of their own.
PEERS = ("mobilekernels-pte", "onnxruntime-int8", "openvino-int8")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model argument and the shapes of its inputs."""
    parser.add_argument("model", metavar="MODEL", help=FORMS)
    parser.add_argument(
        "--input-shape",
        action="append",
        type=shape,
        metavar="N,C,H,W",
        help="shape of an input, once an input; needed where the model's source brings no example inputs",
    )


def add_quantization(parser: argparse.ArgumentParser) -> None:
    """How a float model is quantized."""
    group = parser.add_argument_group("quantization (of a float model)")
    group.add_argument(
        "--calibration",
        metavar="DIR",
        help="folder of images or .npy arrays to calibrate on; without it random data is used, which gives "
        "wrong ranges: fine for coverage and speed, useless for accuracy",
    )
    group.add_argument("--observer", choices=("histogram", "minmax", "mse"), default="histogram")
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="PATTERN",
        help="module name pattern that stays in float",
    )
    add_image_scaling(group)


def add_image_scaling(group: argparse._ArgumentGroup) -> None:
    """How images of a folder become inputs."""
    group.add_argument(
        "--mean", type=numbers, default=(0.485, 0.456, 0.406), metavar="R,G,B", help="of pixels in [0, 1]"
    )
    group.add_argument(
        "--std", type=numbers, default=(0.229, 0.224, 0.225), metavar="R,G,B", help="of pixels in [0, 1]"
    )


def add_sparsity(parser: argparse.ArgumentParser, target: bool = True) -> None:
    """Which layers skip zeros; without ``target`` where the command has one of its own."""
    group = parser.add_argument_group("zeros (of a pruned model)")
    group.add_argument(
        "--sparse",
        type=sparse,
        default="auto",
        metavar="auto|never|always|4x4|1x4",
        help="which layers skip the zeros of their weights: where the break-even curves promise a gain "
        "(auto), none, all, or all in one block",
    )
    group.add_argument(
        "--curves",
        metavar="FILE",
        help="break-even curves, as the command tune writes them (MOBILEKERNELS_CURVES, else the package's)",
    )
    if not target:
        return
    group.add_argument(
        "--target",
        metavar="ISA",
        help="instruction set whose curves decide, such as neon_dotprod (this machine's)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Machine-readable output."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document to stdout, progress to stderr"
    )


def add_strict(parser: argparse.ArgumentParser) -> None:
    """Fail on stock operators."""
    parser.add_argument(
        "--strict", action="store_true", help="exit with 3 if any operator stays on stock ones"
    )


def add_timing(parser: argparse.ArgumentParser, rounds: int | None = 20) -> None:
    """How latency is measured."""
    parser.add_argument("--threads", type=positive, default=1, help="threads of every engine (1)")
    parser.add_argument(
        "--rounds", type=positive, default=rounds, help="timed rounds, engines interleaved (20)"
    )


def sparse(text: str) -> str | tuple[int, int]:
    """``"auto"``, ``"never"``, ``"always"``, or a block: ``"4x4"`` -> (4, 4)."""
    from mobilekernels.sparsity.plan import MODES
    from mobilekernels.sparsity.zeros import SPARSE_BLOCKS, block_name

    choices = {**dict.fromkeys(MODES), **{block_name(block): block for block in SPARSE_BLOCKS}}
    if text not in choices:
        raise argparse.ArgumentTypeError(f"given {text!r}; accepted are {', '.join(choices)}")
    return choices[text] or text


def shape(text: str) -> tuple[int, ...]:
    """``"1,3,224,224"`` (or with x) -> (1, 3, 224, 224)."""
    try:
        sizes = tuple(int(part) for part in text.replace("x", ",").split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}; accepted are positive sizes such as 1,3,224,224")
    return sizes


def numbers(text: str) -> tuple[float, ...]:
    """``"0.5,0.5,0.5"`` -> (0.5, 0.5, 0.5)."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"given {text!r}; accepted are numbers such as 0.5,0.5,0.5"
        ) from None


def positive(text: str) -> int:
    """An integer from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"given {text!r}; accepted are integers from 1 on")
    return int(text)


def engine_names(text: str) -> list[str]:
    """``"all"`` or names with commas between."""
    names = list(ENGINES) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in (*ENGINES, *PEERS)]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"given {', '.join(unknown)}; accepted are all, {', '.join((*ENGINES, *PEERS))}"
        )
    return names
