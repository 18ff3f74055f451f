"""The gate on patches."""

from verifier.gate.run import run_gate

__all__ = ["run_gate"]
