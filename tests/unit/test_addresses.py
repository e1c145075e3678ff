"""Whom an address may lead to: whoever is told from outside where to go reaches no network of one's own."""

import pytest

from dialer.addresses import is_private, is_public

OWN = [
    *("127.0.0.1", "10.0.0.5", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "198.18.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1", "2001:db8::1", "3fff::1"),
]
CARRIED = [
    "::ffff:{}",  # as a socket for both families writes it
    "::{}",
    "::ffff:0:{}",
    "64:ff9b::{}",  # what a gateway translates
]


@pytest.mark.parametrize("address", OWN)
def test_an_address_of_ones_own_network_is_never_public(address):
    assert not is_public(address)
    assert is_private(address)


@pytest.mark.parametrize("carried", CARRIED)
@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254"])
def test_nor_is_an_ipv6_address_that_leads_to_one(carried, inside):
    assert not is_public(carried.format(inside))
    assert is_private(carried.format(inside))


@pytest.mark.parametrize("address", ["2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b:1::a00:5"])
def test_nor_one_of_a_tunnel_into_it(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1", "64:ff9b::1.1.1.1", "2002:101:101::1", "::ffff:1.1.1.1"]
)
def test_what_leads_to_anybody_is_public_also_through_a_gateway(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["224.0.0.1", "ff02::1", "ff0e::1", "", "crm.example.com"])
def test_what_is_many_or_no_address_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "crm"])
def test_a_name_without_a_dot_is_of_ones_own_network(host):
    assert is_private(host)
