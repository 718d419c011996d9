"""HTML in which nothing is nested deeply: parsers need time, and memory, that grows with the square of the depth.

Whoever writes a page or a mail may know of every case in which an end tag ends nothing. So it is written anew in a way
that leaves no such cases: each element is ended, in order, by what was begun here. Pure.
https://html.spec.whatwg.org/multipage/parsing.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

DEEPEST: Final = 512  # elements, as in browsers
_REACH = 64  # elements that another one is looked for among; what people write needs a few
_SPACE = r"\t\n\f\r "
_TOKEN = re.compile(
    rf"""<!--(?:-?>|.*?(?:--!?>|\Z))  # a comment, and what is taken for one
       | <(?:[!?]|/(?![a-zA-Z]))[^>]*+>?
       | <(?P<closing>/?)(?P<name>[a-zA-Z][^{_SPACE}/>]*+)
         (?:[{_SPACE}/]++
           |[^{_SPACE}/>][^{_SPACE}/>=]*+
            (?:[{_SPACE}]*+=[{_SPACE}]*+(?:"[^"]*+"|'[^']*+'|[^{_SPACE}>"'][^{_SPACE}>]*+)?+)?+
         )*+>?""",
    re.DOTALL | re.VERBOSE,
)


_NO_MARKUP = ("script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title")  # is in them
_OTHER_RULES = ("svg", "math", "template", "select")  # hold in them
_ENDS = {name: re.compile(rf"</{name}(?=[{_SPACE}/>])[^>]*+>?", re.IGNORECASE) for name in (*_NO_MARKUP, *_OTHER_RULES)}
_NOTHING = "<wbr>"  # so that a "<" before it does not begin a tag with what follows
_LEFT_OUT = ("frameset", "plaintext")  # what follows would be read in another way
_NAME = re.compile("[a-z][a-z0-9:._-]*+")
_NEVER_DEEP = frozenset(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr html head"
    " body".split()
)
# would be opened again in every paragraph that follows, each time all that were not ended
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())

_CELLS = ("td", "th")
_SECTIONS = ("tbody", "thead", "tfoot", "colgroup", "caption")
_BLOCKS = frozenset(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1"
    " h2 h3 h4 h5 h6 header hgroup li listing main menu nav ol p pre search section summary ul".split()
)
_SCOPES = frozenset((*_CELLS, "caption", "table", "object", "applet", "marquee", "button"))
_SPECIAL = _BLOCKS | _SCOPES
# what ends where another one begins, if nothing of the second kind stands in between
_ENDED_BY: dict[str, tuple[Collection[str], Collection[str]]] = {
    "li": (("li",), _SCOPES | {"ul", "ol", "menu"}),
    **dict.fromkeys(("dd", "dt"), (("dd", "dt"), _SCOPES | {"dl"})),
    **dict.fromkeys(("rt", "rp"), (("rt", "rp"), _SPECIAL | {"ruby"})),
    **dict.fromkeys(_CELLS, (_CELLS, ("table",))),
    **dict.fromkeys(_SECTIONS, (_SECTIONS, ("table",))),
    "tr": (("tr", "colgroup", "caption"), ("table",)),
    "a": (("a",), _SPECIAL),
}
# what keeps an end tag from ending what was begun further out
_KEPT_BY: dict[str, Collection[str]] = {
    **dict.fromkeys(_SPECIAL, _SCOPES),
    "li": _SCOPES | {"ul", "ol"},
    **dict.fromkeys((*_CELLS, *_SECTIONS, "tr"), ("table",)),
    "table": (),
}


def shallow(html: str) -> str:
    """The same without the tags of what is nested more deeply than browsers would nest it.

    Of HTML with many tags, end tags are put where they were left out; formatting, drawings, formulas and what can be
    chosen from are lost. Little HTML stays as it is.
    """
    if html.count("<") <= DEEPEST:
        return html
    last, pieces = 0, list[str]()
    for start, end, instead in _changes(html):
        pieces += html[last:start], instead or _NOTHING
        last = end
    return "".join((*pieces, html[last:]))


def _changes(html: str) -> Iterator[tuple[int, int, str]]:
    """From where to where something else is to stand, in order."""
    elements, at, endless = _Elements(), 0, set[str]()
    while tag := _TOKEN.search(html, at):
        at = tag.end()
        name = _lower(tag["name"] or "")
        if not name or name in _NEVER_DEEP:
            continue
        is_drawing = name in _OTHER_RULES and tag[0].endswith("/>")
        if is_drawing or name in _LEFT_OUT or name in endless or not _NAME.fullmatch(name):
            yield *tag.span(), ""
        elif tag["closing"]:
            yield *tag.span(), elements.end(name)
        elif name in _ENDS:
            begin, end = at, _ENDS[name].search(html, at)
            at = end.end() if end else len(html) if name in _NO_MARKUP else begin
            endless |= {name} if at == begin else set()
            yield begin, at, f"{_unmarked(name, html[begin : end.start() if end else at])}</{name}>"
        else:
            before = elements.end_before(name)
            if element := elements.begin(name):
                yield tag.start(), tag.end("name"), f"{before}<{element}"
            else:
                yield *tag.span(), before


def _lower(name: str) -> str:
    return name.lower() if name.isascii() else name  # the Kelvin sign is no k


def _unmarked(name: str, content: str) -> str:
    """So that it ends where it seems to."""
    if name in _OTHER_RULES:
        return ""
    return content.replace("<!--", "") if name == "script" else content.replace("<", "&lt;")


@dataclass(slots=True)
class _Elements:
    """Those that stand open, the innermost last."""

    open: list[str] = field(default_factory=list)

    def begin(self, name: str) -> str:
        """What it is called from now on; "" where it may not begin."""
        if len(self.open) == DEEPEST:
            return ""
        self.open.append("span" if name in _FORMATTING else name)
        return self.open[-1]

    def end(self, name: str) -> str:
        """The end tags that end it, and what is open in it."""
        element = "span" if name in _FORMATTING else name
        ended = self._end((element,), _KEPT_BY.get(element, _SPECIAL))
        return ended or ("<p></p>" if name == "p" else "")  # an end alone is a paragraph

    def end_before(self, name: str) -> str:
        """The end tags of what ends where this one begins."""
        paragraph = self._end(("p",), _SCOPES) if name in _BLOCKS else ""
        return paragraph + (self._end(*_ENDED_BY[name]) if name in _ENDED_BY else "")

    def _end(self, names: Collection[str], kept_by: Collection[str]) -> str:
        for place, one in enumerate(islice(reversed(self.open), _REACH), start=1):
            if one in names:
                ended = self.open[-place:]
                del self.open[-place:]
                return "".join(f"</{element}>" for element in reversed(ended))
            if one in kept_by:
                break
        return ""
