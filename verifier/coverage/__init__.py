"""Coverage: which call of a check protects what, by virtual removal of each."""

from verifier.coverage.run import run_coverage

__all__ = ["run_coverage"]
