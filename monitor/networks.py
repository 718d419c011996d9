"""Which addresses lie in private or special networks, so that nothing from outside can make us reach into them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from monitor.errors import ConfigError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SPECIAL_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and metadata services of some clouds
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and metadata services of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
SPECIAL_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/3",  # unspecified, loopback, IPv4-compatible, local NAT64, discard-only
        "2001::/23",  # Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries any IPv4 address
        "3fff::/20",  # documentation
        "4000::/2",  # not assigned
        "8000::/1",  # unique local, link-local, site-local, multicast
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def network(text: str) -> Network:
    """Raises ConfigError where `text` is neither an address nor a network."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError([f"service.allow_private: {text!r} is not a network; write e.g. '10.0.5.0/24'"]) from None


def is_special(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a source may not be reached at `address` (an IPv4 or IPv6 literal, a zone may follow)."""
    ip = _carried(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in net for net in allowed):
        return False
    return any(ip in net for net in (SPECIAL_V4 if ip.version == 4 else SPECIAL_V6))


def _carried(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 one merely wraps."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip
