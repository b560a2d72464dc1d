"""Which IP addresses are on the public Internet, for a server that must not be talked into calling its neighbours."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # all that IANA has given out
_NAT64: Final = IPv6Network("64:ff9b::/96")
_PUBLIC_BY_NAME_ONLY: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Python before 3.11.10 takes most of them for global
    IPv4Network("192.88.99.0/24"),  # the former 6to4 relays
    IPv4Network("168.63.129.16/32"),  # Azure's host, reached from inside its machines only
)


def is_public(address: str) -> bool:
    """Whether anybody on the Internet could reach this address (usual spelling, without a zone).

    Not public: private, loopback, link-local, carrier-grade NAT, multicast, reserved and unspecified addresses, and
    IPv6 forms that carry an IPv4 address to somewhere else (mapped, 6to4, Teredo). Behind NAT64 the IPv4 address
    inside decides, because on an IPv6-only network every IPv4 host looks like that.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return _is_public_v4(ip)
    if ip in _NAT64:
        return _is_public_v4(IPv4Address(int(ip) & 0xFFFFFFFF))
    return _is_public_v6(ip)


def _is_public_v4(ip: IPv4Address) -> bool:
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _PUBLIC_BY_NAME_ONLY)


def _is_public_v6(ip: IPv6Address) -> bool:
    return ip in _GLOBAL_UNICAST and ip.is_global and ip.sixtofour is None and ip.teredo is None
