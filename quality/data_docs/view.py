"""Great Expectations' pages without a network, and in both languages.

Comes in: what Great Expectations' renderers give for a page. Goes out: its HTML. Its own templates load
Bootstrap, jQuery, Vega, Font Awesome and its logo from six hosts, and without them the list of results stays
empty, since a script fills it. The templates in `views/` stand in front of its own, and hold style and script
in the page itself; all others are Great Expectations'. Opened from a disk on a machine without a network,
the site looks the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from great_expectations.render import RenderedDocumentContent
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from quality.data_docs.words import both, in_both_languages

VIEWS = Path(__file__).parent / "views"


class OfflinePageView(DefaultJinjaPageView):  # type: ignore[misc]
    """One page; `template` is page.j2 for results and suites, index_page.j2 for the list of them.

    Args:
        template: the name of the outermost template.
        language: the one that the page begins with; a click shows the other.
    """

    # Words of the renderer that stand in for the two languages' markup, beside those that it trusts itself.
    _TRUSTED_HTML_PARAMS = DefaultJinjaPageView._TRUSTED_HTML_PARAMS | {
        "suite_title", "data_asset", "status_title", "success", "title_prefix",
    }  # fmt: skip

    def __init__(self, template: str, language: str) -> None:
        super().__init__()
        self._template = template
        self.env.loader = ChoiceLoader([FileSystemLoader(VIEWS), self.env.loader])
        self.env.globals |= {"both": both, "language": language}

    def render(self, document: RenderedDocumentContent, **context: Any) -> str:
        """The HTML of `document`, as a renderer of Great Expectations gave it."""
        self._validate_document(document)
        content = in_both_languages(document.to_json_dict())
        return str(self._get_template(self._template).render(content, **context))
