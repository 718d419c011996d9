"""What may be promised: by the matter, and by who approves."""

from __future__ import annotations

import pytest

from monitor.options import Allowance, PolicyOptions, RoleOptions
from responders.policy import Allowed, allowance

POLICY = PolicyOptions(
    may_offer=("call_back", "voucher"),
    voucher_limit=10,
    aspects={
        "product": Allowance(may_offer=("replacement", "refund")),
        "refund": Allowance(may_offer=("refund", "voucher"), voucher_limit=20),
        "staff": Allowance(voucher_limit=0),
    },
    roles={
        "novice": RoleOptions(people=("Eva",), may_offer=("call_back",), voucher_limit=0),
        "till": RoleOptions(people=("Eva", "Ota"), may_offer=("voucher", "discount"), voucher_limit=5),
        "boss": RoleOptions(people=("Ida",), may_offer=None, voucher_limit=1000),
    },
)


@pytest.mark.parametrize(
    ("aspects", "actor", "allowed"),
    [
        ((), "", Allowed(("call_back", "voucher"), 10)),
        (("delivery",), "", Allowed(("call_back", "voucher"), 10)),
        (("product",), "", Allowed(("replacement", "refund"), 10)),
        (("refund",), "", Allowed(("refund", "voucher"), 20)),
        (("product", "refund"), "", Allowed(("refund",), 10)),
        (("refund", "delivery"), "", Allowed(("refund", "voucher"), 20)),
        (("staff",), "", Allowed(("call_back", "voucher"), 0)),
        ((), "Ota", Allowed(("voucher",), 5)),
        ((), "Eva", Allowed(("call_back", "voucher"), 5)),
        ((), "Ida", Allowed(("call_back", "voucher"), 10)),
        (("refund",), "Ota", Allowed(("voucher",), 5)),
        ((), "nobody", Allowed(("call_back", "voucher"), 10)),
    ],
)
def test_allowance(aspects: tuple[str, ...], actor: str, allowed: Allowed) -> None:
    assert allowance(POLICY, aspects, actor) == allowed


def test_by_default_only_a_call() -> None:
    assert allowance(PolicyOptions()) == Allowed(("call_back",), 0)
