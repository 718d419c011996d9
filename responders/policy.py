"""What a reply in one matter may promise: the policy, what it says of the matter, and who approves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from monitor.options import Allowance, Offer, PolicyOptions


@dataclass(frozen=True, slots=True)
class Allowed:
    """`voucher_limit` is an amount in the company's currency; 0 where no gift is allowed."""

    may_offer: tuple[Offer, ...] = ()
    voucher_limit: float = 0.0

    def narrowed(self, other: Allowed) -> Allowed:
        both = tuple(offer for offer in self.may_offer if offer in other.may_offer)
        return Allowed(both, min(self.voucher_limit, other.voucher_limit))

    def widened(self, other: Allowed) -> Allowed:
        either = tuple(dict.fromkeys((*self.may_offer, *other.may_offer)))
        return Allowed(either, max(self.voucher_limit, other.voucher_limit))


def allowance(policy: PolicyOptions, aspects: Collection[str] = (), actor: str = "") -> Allowed:
    """What may be promised in a matter about `aspects`, where `actor` is the one to approve it ("" where unknown).

    [policy] holds unless there is a [policy.aspects.…] for one of the aspects; of several only what all of them
    allow. The roles of `actor` narrow that: who has two of them may what either of them may.
    """
    own = Allowed(policy.may_offer, policy.voucher_limit)
    special = [_of(policy.aspects[name], own) for name in policy.aspects if name in aspects]
    found = special[0] if special else own
    for other in special[1:]:
        found = found.narrowed(other)
    roles = [_of(role, found) for role in policy.roles.values() if actor in role.people]
    if not roles:
        return found
    wide = roles[0]
    for other in roles[1:]:
        wide = wide.widened(other)
    return found.narrowed(wide)


def _of(table: Allowance, base: Allowed) -> Allowed:
    may_offer = base.may_offer if table.may_offer is None else table.may_offer
    return Allowed(may_offer, base.voucher_limit if table.voucher_limit is None else table.voucher_limit)
