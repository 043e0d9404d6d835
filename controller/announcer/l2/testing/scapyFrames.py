"""For tests: ARP and NDP frames as scapy makes them, one `name hex` a line."""
import logging

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS, ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU,
                                ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrHopByHop, PadN)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether

OWN, CLIENT, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:99", "02:00:00:00:00:66"
ALL, NONE, NODES, GROUP = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "33:33:00:00:00:01", "33:33:ff:00:00:10"
VIP4, CLIENT4, VIP6, CLIENT6 = "192.0.2.10", "192.0.2.99", "2001:db8::10", "2001:db8::99"


def arp(dst, src, op, **fields):
    return Ether(dst=dst, src=src) / ARP(op=op, hwsrc=src, **fields)


def ip6(dst, src, source, destination):
    return Ether(dst=dst, src=src) / IPv6(src=source, dst=destination, hlim=255)


def ns(dst=GROUP, source=CLIENT6, destination="ff02::1:ff00:10"):
    return ip6(dst, CLIENT, source, destination) / ICMPv6ND_NS(tgt=VIP6)


def na(dst, destination, s, o, src=OTHER):
    message = ICMPv6ND_NA(tgt=VIP6, R=0, S=s, O=o) / ICMPv6NDOptDstLLAddr(lladdr=src)
    return ip6(dst, src, VIP6, destination) / message


SOURCE = ICMPv6NDOptSrcLLAddr(lladdr=CLIENT)
FRAMES = {
    "request": arp(ALL, CLIENT, 1, psrc=CLIENT4, pdst=VIP4, hwdst=NONE),
    "probe": arp(ALL, CLIENT, 1, psrc="0.0.0.0", pdst=VIP4, hwdst=NONE),
    "reply": arp(CLIENT, OTHER, 2, psrc=VIP4, pdst=CLIENT4, hwdst=CLIENT),
    "gratuitous request": arp(ALL, OTHER, 1, psrc=VIP4, pdst=VIP4, hwdst=NONE),
    "gratuitous reply": arp(ALL, OTHER, 2, psrc=VIP4, pdst=VIP4, hwdst=OTHER),
    "solicitation": ns() / SOURCE,
    "reachability probe": ns(dst=OWN, destination=VIP6),
    "duplicate detection": ns(source="::"),
    "solicited advertisement": na(CLIENT, CLIENT6, 1, 1),
    "advertisement without flags": na(NODES, "ff02::1", 0, 0),
    "unsolicited advertisement": na(NODES, "ff02::1", 0, 1),
    "solicitation from link-local": ns(source="fe80::99") / SOURCE,
    "odd: vlanTagged": Ether(dst=ALL, src=CLIENT) / Dot1Q(vlan=5) / ARP(hwsrc=CLIENT, psrc=CLIENT4, pdst=VIP4),
    "odd: vlanTagged twice": Ether(dst=ALL, src=CLIENT) / Dot1AD(vlan=5) / Dot1Q(vlan=6) / ARP(hwsrc=CLIENT, psrc=CLIENT4, pdst=VIP4),
    "odd: hardwareType": Ether(dst=ALL, src=CLIENT) / ARP(hwtype=6, hwsrc=CLIENT, psrc=CLIENT4, pdst=VIP4),
    "odd: opcode": Ether(dst=ALL, src=CLIENT) / ARP(op=8, hwsrc=CLIENT, psrc=CLIENT4, pdst=VIP4),
    "odd: senderMac": Ether(dst=ALL, src=CLIENT) / ARP(hwsrc="01:00:5e:00:00:01", psrc=CLIENT4, pdst=VIP4),
    "odd: hopLimit": Ether(dst=GROUP, src=CLIENT) / IPv6(src=CLIENT6, dst="ff02::1:ff00:10", hlim=64) / ICMPv6ND_NS(tgt=VIP6),
    "odd: icmpCode": ip6(GROUP, CLIENT, CLIENT6, "ff02::1:ff00:10") / ICMPv6ND_NS(tgt=VIP6, code=1),
    "odd: checksum": ip6(GROUP, CLIENT, CLIENT6, "ff02::1:ff00:10") / ICMPv6ND_NS(tgt=VIP6, cksum=1),
    "odd: option": ns() / ICMPv6NDOptMTU(len=0),
    "odd: unspecifiedSource": ns(source="::") / SOURCE,
    "odd: nextHeader": Ether(dst=GROUP, src=CLIENT) / IPv6(src=CLIENT6, dst="ff02::1:ff00:10", hlim=255)
    / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)]) / ICMPv6ND_NS(tgt=VIP6),
    "odd: solicitedMulticast": na(NODES, "ff02::1", 1, 1),
    "odd: icmpType of a router": ip6(NODES, CLIENT, "fe80::99", "ff02::1") / ICMPv6ND_RA() / SOURCE,
    "odd: icmpType of a host": ip6(NODES, CLIENT, "fe80::99", "ff02::2") / ICMPv6ND_RS() / SOURCE,
}

for name, frame in FRAMES.items():
    print(bytes(frame).hex(), name)
