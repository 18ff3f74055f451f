"""The gate on changes."""

from verifier.gate.run import Change, run_gate

__all__ = ["Change", "run_gate"]
