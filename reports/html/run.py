"""What the steps of writing one HTML report share."""

from __future__ import annotations

from dataclasses import dataclass, field

from jinja2 import Environment

from reports.html import operations, rows
from reports.html.folder import Folder
from reports.html.material import Material
from reports.html.source_text import Sources
from verifier.findings import Document, Finding


@dataclass
class Run:
    """One report in the making.  `pages` are the findings that have pages of their own, by identity; `*_pages` map
    what a page is about to its file name, `source_lines` files to the lines that their pages show; `shared` goes to every template."""

    document: Document
    material: Material
    folder: Folder
    environment: Environment
    sources: Sources
    services: dict[str, str]
    found: operations.Index
    pages: dict[int, Finding] = field(default_factory=dict)
    source_pages: dict[str, str] = field(default_factory=dict)
    source_lines: dict[str, set[int]] = field(default_factory=dict)
    hook_pages: dict[str, str] = field(default_factory=dict)
    rule_pages: dict[str, str] = field(default_factory=dict)
    shared: dict[str, object] = field(default_factory=dict)

    def page(self, name: str, template: str, **more: object) -> None:
        """Render and put one page; `root` leads from it back to the top."""
        everything = self.shared | {"root": "../" * name.count("/")} | more
        text = self.environment.get_template(template).render(**everything)
        self.folder.put(name, text.encode("utf-8", "replace"))

    def service(self, finding: Finding) -> str:
        """The title of the service of a finding's rule."""
        return self.services.get(finding.rule, "")

    def row(self, finding: Finding) -> rows.Row:
        """A finding as a row of tables."""
        return rows.row(finding, id(finding) in self.pages, self.service(finding), self.rule_page(finding.rule))

    def link(self, file: str, line: int) -> str:
        """Where a line of the tree's source can be read: in the report, elsewhere (an address), or "" for nowhere."""
        if line in self.source_lines.get(file, ()):
            return f"{self.source_pages[file]}#L{line}"
        return self.sources.remote(file, line)

    def rule_page(self, rule: str) -> str:
        """The page of a rule, "" when it has none."""
        return self.rule_pages.get(rule, "")
