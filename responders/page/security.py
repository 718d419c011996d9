"""Who may talk to the page, and what a browser may do with it."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from monitor.options import PageOptions

MACHINES = ("/healthz", "/metrics", "/in/", "/slack")  # no browser, no cookie: these are protected in their own ways
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

FRAMING = web.ResponseKey("framing", str)  # "frames" for a page that holds our bar, "framed" for the bar itself
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action "
POLICIES = {
    "": _POLICY + "'self'; frame-ancestors 'none'",
    "frames": _POLICY + "'self'; frame-ancestors 'none'; frame-src 'self'",
    "framed": _POLICY + "'none'; frame-ancestors 'self'",
}
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NEVER_KEPT = "no-store"
KEPT_FOR_EVER = "public, max-age=31536000, immutable"


def protect(response: web.StreamResponse) -> None:
    framing = response.get(FRAMING, "")
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICIES[framing]
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if framing == "framed" else "DENY"


def for_machines(path: str) -> bool:
    return path.startswith(MACHINES)


def host_allowed(host: str, options: PageOptions) -> bool:
    """Against DNS rebinding: a name that an attacker points at us is not ours. An address cannot be rebound."""
    name = _name_of(host)
    return _is_address(name) or (name in ("localhost", options.host.lower(), _name_in(options.url)) and name != "")


def cross_site(request: web.Request, options: PageOptions) -> bool:
    """Whether another site made the browser send this. Old browsers tell less; the form's token is checked too."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin", "null")  # "null" is what our own no-referrer makes of it
    return origin != "null" and not host_allowed(urlsplit(origin).netloc, options)


def client_address(request: web.Request) -> str:
    """Who asks. Behind a proxy on this machine that is the last one it names: those before it can be made up."""
    remote = request.remote or ""
    named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return named if named and _is_loopback(remote) and _is_address(named) else remote


def same_token(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def https(options: PageOptions) -> bool:
    return options.url.lower().startswith("https:")


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _name_in(url: str) -> str:
    return _name_of(urlsplit(url).netloc) if url else ""


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
