"""The HTML report: one folder that opens from disk, without network and without JavaScript."""

from reports.html.material import Material
from reports.html.pages import write

__all__ = ["Material", "write"]
