"""Looks at pages, profiles and forms over the network, once each. Nothing is ever submitted."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.bodies import Unreadable
from monitor.channel_options import FormCheck, PageCheck
from monitor.channels.forms import Form, find_form
from monitor.channels.reading import Reading, read_page
from monitor.errors import OutcomeUnknown, SourceError, TemporaryError
from monitor.http import Http, Response, Unreachable
from monitor.liveness import WORKS, Seen

ENDS_SOON = timedelta(days=14)  # of a certificate
HEADERS = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"}
ANY_STATUS = range(300, 1000)  # LinkedIn answers robots with 999
_GONE = (404, 410)
_SURE = ("gone", "no_host", "redirects", "not_found_text", "bad_address")  # faults of a profile, not of its network

_UNREACHABLE: Mapping[str, Seen] = {
    "no_host": Seen("broken", "no_host"),
    "no_names": Seen("unsure", "offline", again=True),
    "no_network": Seen("unsure", "offline", again=True),
    "expired": Seen("broken", "certificate_expired"),
    "other_host": Seen("broken", "certificate_other_host"),
    # browsers find certificates in between that a server forgot to send; we do not
    "untrusted": Seen("unsure", "certificate_untrusted"),
    "no_tls": Seen("broken", "no_tls"),
    "no_answer": Seen("broken", "no_answer", network=True),
    "slow": Seen("broken", "slow", network=True),
}
_UNREADABLE: Mapping[str, Seen] = {
    "redirects": Seen("broken", "redirects"),
    "too_large": Seen("unsure", "too_large"),
    "private": Seen("unsure", "private"),
}


@dataclass(slots=True)
class Visitor:
    """`ends`: until when the certificates of hosts hold, as `http` notes them."""

    http: Http
    ends: Mapping[str, datetime]
    clock: Callable[[], datetime]

    async def page(self, check: PageCheck) -> Seen:
        found = await self._fetched(check.url)
        if isinstance(found, Seen):
            return found
        seen = await asyncio.to_thread(judged, found, check.text)
        if seen is None:
            seen = Seen("broken", "same_as_missing") if await self._is_as_missing(found) else WORKS
        return self._dated(seen, found)

    async def profile(self, url: str) -> Seen:
        """On a network of others, whose faults and walls are no news."""
        seen = await self._fetched(url)
        if isinstance(seen, Reading):
            page, read = seen, await asyncio.to_thread(judged, seen, "")
            if read is None:
                return Seen("unsure", "same_as_missing") if await self._is_as_missing(page) else WORKS
            seen = read
        sure = seen.verdict != "broken" or seen.code in _SURE
        return seen if sure else Seen("unsure", seen.code, seen.detail)

    async def form(self, check: FormCheck) -> Seen:
        found = await self._fetched(check.url)
        if isinstance(found, Seen):
            return found
        form = await asyncio.to_thread(find_form, found, check.fields)
        if isinstance(form, Seen):
            # what stands there instead of the page says more than that no form does
            return await asyncio.to_thread(judged, found, "") or form
        return self._dated(await self._action(form, found), found)

    async def _fetched(self, url: str) -> Reading | Seen:
        try:
            answer = await self.http.get(url, headers=HEADERS, also=ANY_STATUS)
        except Unreachable as error:
            return _UNREACHABLE[error.cause]
        except Unreadable as error:
            return _UNREADABLE[error.cause]
        except TemporaryError:
            return Seen("unsure", "nonsense", again=True)
        except SourceError:
            return Seen("broken", "bad_address")
        return _of_status(answer) or read_page(url, answer.url, answer.body, answer.headers.get("Content-Type", ""))

    async def _is_as_missing(self, page: Reading) -> bool:
        """Whether an address of the same host that surely does not exist answers with the same page."""
        address = missing_address(page.asked)
        if not address:
            return False
        missing = await self._fetched(address)
        if isinstance(missing, Seen):  # an honest 404, most often
            return False
        return await asyncio.to_thread(page.is_like, missing)

    async def _action(self, form: Form, page: Reading) -> Seen:
        """Asks where the form sends with HEAD and OPTIONS alone; many such addresses answer nothing but POST."""
        if form.action in ("", page.url, page.asked):
            return WORKS
        head = await self._asked("HEAD", form.action)
        if isinstance(head, Seen):
            return head
        if head.status not in _GONE:
            return WORKS
        options = await self._asked("OPTIONS", form.action)
        allowed = options.headers.get("Allow", "") if isinstance(options, Response) else ""
        return WORKS if "POST" in allowed.upper() else Seen("broken", "action_gone", str(head.status))

    async def _asked(self, method: str, url: str) -> Response | Seen:
        try:
            return await self.http.send(method, url, also=ANY_STATUS)
        except Unreachable as error:
            found = _UNREACHABLE[error.cause]
        except Unreadable as error:
            found = _UNREADABLE[error.cause]
        except OutcomeUnknown:  # 5xx, or no answer: of a request that nobody sends
            return Seen("unsure", "action_unknown")
        except SourceError:
            return Seen("broken", "bad_address")
        return Seen(found.verdict, "action_unreachable", again=found.again, network=found.network)

    def _dated(self, seen: Seen, page: Reading) -> Seen:
        """What works is worth a warning where the certificate of its host ends soon."""
        end = min((end for url in (page.asked, page.url) if (end := self._end(url))), default=None)
        if seen.verdict != "works" or end is None or end - self.clock() > ENDS_SOON:
            return seen
        return Seen("warning", "certificate_ends", end.date().isoformat())

    def _end(self, url: str) -> datetime | None:
        return self.ends.get(urlsplit(url).hostname or "")


def _of_status(answer: Response) -> Seen | None:
    """What the status alone tells; None where the page has to be read."""
    status = answer.status
    if "cf-mitigated" in answer.headers:
        return Seen("unsure", "wall")
    if 200 <= status < 300:
        return None
    if status in _GONE:
        return Seen("broken", "gone", str(status))
    if 500 <= status < 600:
        return Seen("broken", "server_error", str(status))
    return Seen("unsure", "refused", str(status))


def judged(page: Reading, text: str) -> Seen | None:
    """Whether it is the page that it should be; None where only a comparison can tell."""
    if text and page.says(text):
        return WORKS
    if page.is_wall:
        return Seen("unsure", "wall")
    if page.is_parked:
        return Seen("broken", "parked")
    if page.is_not_found:
        return Seen("broken", "not_found_text")
    if page.is_maintained:
        return Seen("broken", "maintenance")
    if page.is_drawn_by_scripts:
        return Seen("unsure", "drawn_by_scripts")
    return Seen("broken", "text_missing", text) if text else None


def missing_address(url: str) -> str:
    """One like `url` that surely does not exist: the same folder, or the same script; "" for a front page."""
    parts, nothing = urlsplit(url), f"ohlas{secrets.token_hex(6)}"
    if parts.query:
        pairs, last = parts.query.rpartition("=")[::2]
        return parts._replace(query=f"{pairs}={nothing}" if pairs else nothing, fragment="").geturl() if last else ""
    folder, name = parts.path.rstrip("/").rpartition("/")[::2]
    if not name:
        return ""
    mark, end = "@" if name.startswith("@") else "", re.search(r"\.\w{1,5}$|$", name)
    slash = "/" if parts.path.endswith("/") else ""
    return parts._replace(path=f"{folder}/{mark}{nothing}{end[0] if end else ''}{slash}", fragment="").geturl()
