"""Certificates: for what the solver found mediated, evidence that the checker accepts."""
