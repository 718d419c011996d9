"""HTML in which nothing is nested deeply: parsers need time, and memory, that grows with the square of the depth.

Tags are told apart as the HTML standard does. What stands open is rather thought to be deeper than it is, for whoever
writes a page or a mail may know of every case in which an end tag ends nothing. Pure.
https://html.spec.whatwg.org/multipage/parsing.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

DEEPEST: Final = 512  # elements, as in browsers; parts of tables and the like come on top
_REACH = 32  # elements that an end tag is looked for among; what people write needs a few
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
# hold nothing, or are ended by what is counted
_NEVER_DEEP = frozenset(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr html head"
    " body td th tr thead tbody tfoot caption colgroup option".split()
)
_NO_MARKUP = {  # is within them; where that ends
    name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE | re.ASCII)
    for name in ("script", "style", "xmp", "iframe", "noembed", "noframes", "textarea", "title")
}
_FOREIGN = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE | re.ASCII) for name in ("svg", "math")}
_LEFT_OUT = ("frameset", "plaintext")  # what follows would be read in another way
# are opened again in every paragraph that follows, each time all that were not ended
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())

_END_PARAGRAPHS = frozenset(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer h1 h2 h3"
    " h4 h5 h6 header hgroup li listing main menu nav ol p pre search section summary ul".split()
)
_END_WHAT_ENDS_ITSELF = _END_PARAGRAPHS | {"applet", "button", "form", "marquee", "object", "table", "template"}
_ENDS_ITSELF = frozenset(("p", "li", "dd", "dt"))
# through which no end tag of a phrase reaches
_SPECIAL = _END_WHAT_ENDS_ITSELF | {"noscript", "select"}
_BEGIN_ANEW = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt"), "a": ("a",)}


def shallow(html: str) -> str:
    """The same, with a harmless tag in the place of each that is nested more deeply than browsers would nest it.

    Of HTML with many tags, formatting, drawings and formulas are lost as well.
    """
    if html.count("<") <= DEEPEST:
        return html
    last, pieces = 0, list[str]()
    for start, end, instead in _changes(html):
        pieces += html[last:start], instead
        last = end
    return "".join((*pieces, html[last:]))


def _changes(html: str) -> Iterator[tuple[int, int, str]]:
    """From where to where something else is to stand."""
    elements, at = _Open(), 0
    while tag := _TOKEN.search(html, at):
        at = tag.end()
        if tag["name"] is None:
            continue
        name = tag["name"].lower() if tag["name"].isascii() else tag["name"]
        if not tag["closing"] and (rest := (_NO_MARKUP | _FOREIGN).get(name)):
            found = rest.search(html, at)
            begin, at = at, found.start() if found else len(html)
            if name in _NO_MARKUP:
                yield begin, at, _no_markup(name, html[begin:at])
            elif found:
                at = found.end()
                yield tag.start(), at, ""
            else:
                at = begin
                yield *tag.span("name"), "wbr"
        elif name in _FORMATTING:
            ...
