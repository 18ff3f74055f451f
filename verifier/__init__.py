"""kqual: static verifier of security-hook placement for the Linux kernel."""

__version__ = "0.1.0"
