"""Rows of `linked_account`: accounts on several platforms that people said are one customer's, as keyed hashes."""

from __future__ import annotations

from sqlite3 import Connection

from monitor.errors import CannotJoin, NoSuchCase
from monitor.store.cases import Deed, write_line
from monitor.store.engine import Engine, placeholders
from monitor.store.marks import account_hashes, accounts_of_customer


class LinkedAccounts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def link(self, one: int, other: int, deed: Deed) -> None:
        """From now on the writers of these two mentions are one customer. What they wrote so far stays as it is.

        Raises NoSuchCase, CannotJoin where a platform gives one of them no account that could be known again.
        """
        with self._engine.writing(durable=True) as connection:
            accounts = [*_accounts(connection, one), *_accounts(connection, other)]
            known = accounts_of_customer(connection, accounts)
            rows = connection.execute(
                f"SELECT min(customer) FROM linked_account WHERE account IN ({placeholders(len(known))})", known
            ).fetchone()
            newest = connection.execute("SELECT coalesce(max(customer), 0) FROM linked_account").fetchone()
            customer = rows[0] or newest[0] + 1
            connection.executemany(
                "INSERT INTO linked_account (account, customer) VALUES (?1, ?2)"
                " ON CONFLICT (account) DO UPDATE SET customer = ?2",
                [(account, customer) for account in known],
            )
            write_line(connection, "link", _case(connection, one), _case(connection, other), one, deed)

    def unlink(self, mention_id: int, deed: Deed) -> None:
        """The writer of this mention is a customer of his own again. Raises NoSuchCase, CannotJoin where he is one."""
        with self._engine.writing(durable=True) as connection:
            accounts = _accounts(connection, mention_id)
            removed = connection.execute(
                f"DELETE FROM linked_account WHERE account IN ({placeholders(len(accounts))})", accounts
            ).rowcount
            if not removed:
                raise CannotJoin(f"the account of mention {mention_id} is linked to no other", code="not_linked")
            write_line(connection, "unlink", _case(connection, mention_id), 0, mention_id, deed)


def _accounts(connection: Connection, mention_id: int) -> list[int]:
    case = _case(connection, mention_id)
    accounts = account_hashes(connection, mention_id)
    if not (case and accounts):
        raise CannotJoin(
            f"the writer of mention {mention_id} has no account by which he would be known again;"
            " a name alone may be anybody's",
            code="no_account",
        )
    return accounts


def _case(connection: Connection, mention_id: int) -> int:
    row = connection.execute("SELECT case_id FROM mention WHERE id = ?", (mention_id,)).fetchone()
    if row is None:
        raise NoSuchCase(f"there is no mention {mention_id}")
    return int(row["case_id"] or 0)
