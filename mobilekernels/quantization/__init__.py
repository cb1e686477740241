"""From a float module to an int8 PT2E graph: quantizer, observers, calibration."""

from mobilekernels.quantization.quantize import quantize

__all__ = ["quantize"]
