"""What a page says to its readers, as far as it tells whether it is the page that it should be. Pure; all input is
untrusted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from monitor.nesting import shallow
from monitor.text import clip, fold, html_to_text, one_line, plain

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

READ = 2_000_000  # characters of a page that are looked at
FEW = 30  # words; a page with fewer is drawn by scripts, or says nothing
SHORT = 150  # words; what a parked domain or a wall before the page says
ALIKE = 0.9  # share of words that two pages have in common, to be one and the same

_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,30})", re.IGNORECASE)
# All of them without diacritics. The first in the title or the headings, the others on pages that say little.
_NOT_FOUND = re.compile(
    r"\b404\b|\bnot found\b|page (?:does not|doesn.t) exist|no longer (?:exists|available)"
    r"|strank\w* (?:sa )?(?:nenasl|neexist|nebola najden|nenajden|nebyla nalezen|nenalezen|nie je dostupn)"
    r"|(?:nenajden|nenalezen|neexistuj)\w* strank|oldal nem (?:talalhato|letezik)|nem talalhato (?:az )?oldal"
    r"|seite (?:wurde )?nicht gefunden|seite existiert nicht|nie znaleziono strony|strona nie (?:istnieje|zostala)"
)
_MAINTENANCE = re.compile(
    r"\bmaintenance\b|under construction|coming soon|temporarily (?:closed|unavailable)|service unavailable"
    r"|\budrzb|mimo prevadzk|mimo provoz|docasne (?:nedostupn|zatvoren|uzavren|mimo)"
    r"|pripravujeme (?:novy|pro vas|pre vas)|karbantart|atmenetileg nem|hamarosan|wartungsarbeit|im aufbau"
    r"|prace (?:konserwacyjne|techniczne)|przerwa techniczna"
)
_PARKED = re.compile(
    r"domain (?:name )?(?:is|may be) for sale|buy this domain|this domain is parked|domain (?:has )?expired"
    r"|domena (?:je|byla|bola) (?:na predaj|na prodej|registrovan|zaregistrovan|zaparkovan|pozastaven)"
    r"|tato domena|domain elado|ez a domain|diese domain (?:steht|ist)|domena (?:jest )?na sprzedaz"
    r"|default web ?page|welcome to nginx|apache2? \w* ?default page|index of /$|account (?:has been )?suspended"
)
_CHALLENGE = re.compile(
    r"just a moment|attention required|checking your browser|verify (?:that )?you are (?:a )?human"
    r"|are you (?:a robot|human)|security check|access denied|enable javascript and cookies|pardon our interruption"
    r"|nie som robot|nejsem robot|nem vagyok robot|\bcaptcha"
)
_LOGIN = re.compile(
    r"/(?:login|log-in|signin|sign-in|checkpoint|authwall|consent|challenge|captcha|uas/|accounts/|oauth|sorry/)"
    r"|//(?:login|consent|accounts)\."
)
_FORM_SCRIPTS = re.compile(
    r"hsforms|typeform|jotform|wufoo|formstack|forms\.gle|docs\.google\.com/forms|forms\.office|elfsight|paperform"
    r"|tally\.so",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """A page as it was answered: `asked` for, it came from `url`."""

    asked: str
    url: str
    html: str = field(repr=False)

    @cached_property
    def tree(self) -> LexborHTMLParser:
        # imported late: only who reads pages needs it
        from selectolax.lexbor import LexborHTMLParser

        return LexborHTMLParser(self.html)

    @cached_property
    def text(self) -> str:
        return html_to_text(self.html, READ)

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(plain(self.text).split())

    @cached_property
    def heading(self) -> str:
        """The title and the first headings, without diacritics."""
        nodes = [*self.tree.css("title")[:1], *self.tree.css("h1")[:2]]
        return plain(" · ".join(one_line(node.text(), 200) for node in nodes))

    @property
    def says_little(self) -> bool:
        return self.words.total() < FEW

    @property
    def is_drawn_by_scripts(self) -> bool:
        return self.says_little and self.tree.css_first("script") is not None

    @property
    def is_not_found(self) -> bool:
        return bool(_NOT_FOUND.search(self.heading))

    @property
    def is_maintained(self) -> bool:
        return bool(_MAINTENANCE.search(self._said))

    @property
    def is_parked(self) -> bool:
        return bool(_PARKED.search(self._said))

    @property
    def is_wall(self) -> bool:
        """Whether something stands before the page that a person gets past, and we do not: a login, a riddle."""
        led_to_login = _LOGIN.search(self.url) and not _LOGIN.search(self.asked)
        return bool(led_to_login or _CHALLENGE.search(self._said))

    @property
    def has_foreign_form(self) -> bool:
        """Whether a script or a frame of a company that makes forms may draw one."""
        sources = (node.attributes.get("src") or "" for node in self.tree.css("script[src],iframe[src]"))
        return any(_FORM_SCRIPTS.search(one) for one in sources)

    @property
    def base(self) -> str:
        """What relative addresses on the page begin at."""
        node = self.tree.css_first("base[href]")
        return urljoin(self.url, node.attributes.get("href") or "") if node else self.url

    @cached_property
    def _said(self) -> str:
        """All of a page that says little, its title too; "" of others, where the same words may mean anything."""
        return f"{self.heading} {clip(plain(self.text), 5000)}" if self.words.total() < SHORT else ""

    def says(self, text: str) -> bool:
        """Whether `text` stands on it, blind to case, diacritics, spaces and punctuation."""
        wanted = fold(text)
        return wanted in fold(self.text) or wanted in fold(self.html)

    def is_like(self, other: Reading, /) -> bool:
        """Whether they are one and the same page for their readers."""
        if self.url == other.url:
            return True
        common, all_ = self.words & other.words, self.words | other.words
        return self.heading == other.heading and common.total() >= ALIKE * all_.total()


def read_page(asked: str, url: str, body: bytes, content_type: str) -> Reading:
    """Never fails, whatever the bytes are."""
    declared = re.search(r"charset\s*=\s*[\"']?([\w-]{2,30})", content_type, re.IGNORECASE)
    found = _CHARSET.search(body[:4096])
    charset = declared[1] if declared else found[1].decode() if found else "utf-8"
    try:
        html = body.decode(charset, "replace")
    except LookupError:
        html = body.decode("utf-8", "replace")
    return Reading(asked, url, shallow(html[:READ]))
