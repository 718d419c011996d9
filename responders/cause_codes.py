"""Why a source cannot be read, or an answer is not out, in English words; responders/codes.py has all other codes.

Each says what happened and, after a dash, what to do. What is quoted after it stands in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping


def _(message: str) -> str:
    """Marks a message for the catalogues; it is translated when it is shown."""
    return message


CAUSE_CODES: Mapping[str, Mapping[str, str]] = {
    # `SourceError.cause`; those of the classes themselves come first
    "cause": {
        "failed": _("It did not work – look at the log of Ohlas"),
        "passing": _("It does not work at the moment – Ohlas tries again by itself"),
        "lasting": _("It does not work, and trying again will not help – check the options of this source"),
        "refused": _("We are not let in – check the key, the password or the token of this source"),
        "not_there": _("There is nothing at this address any more – check the address, or remove this source"),
        "no_host": _("There is no such server name – check the address"),
        "no_names": _("The name of the server cannot be looked up – check the network here if this lasts"),
        "expired": _("The certificate of the server has expired – its operator has to renew it"),
        "other_host": _("The certificate of the server is of another name – check the address"),
        "untrusted": _("The certificate of the server is not trusted – check the address, or tell its operator"),
        "no_tls": _("No secure connection can be made – check the address and the port"),
        "no_answer": _("The server does not answer – Ohlas tries again by itself"),
        "no_network": _("There is no way to the server – check the internet connection here"),
        "slow": _("The server did not answer in time – Ohlas tries again by itself"),
        "disturbed": _("The server has a fault of its own – Ohlas tries again by itself"),
        "too_often": _("We asked too often – Ohlas waits for a while, then goes on by itself"),
        "rejected": _("The request is not accepted – check the options of this source"),
        "redirects": _("The address leads from one to the next without an end – check the address"),
        "too_large": _("There is more to read than is allowed – name a smaller one, or split it"),
        "private": _("The address is inside a private network – if that is meant, name it in service.allow_private"),
        "bad_address": _("This is not an address that can be read – check its spelling"),
        "nonsense": _("The answer cannot be understood – Ohlas tries again; if it lasts, check the address"),
        "cut_off": _("The answer arrived damaged or incomplete – Ohlas tries again by itself"),
        "no_feed": _("There is no RSS, Atom or JSON feed at this address – find the address of the feed"),
        "slow_reading": _("Reading it took too long – the computer may be too busy; Ohlas tries again by itself"),
        "unreadable": _("What came cannot be processed; it is damaged or too big – check the address"),
        "no_file": _("The file cannot be read – check its path, and whether Ohlas may read it"),
        "unfit_file": _("The file has another form than is expected – export it anew, or check the options"),
        "no_column": _("A column is missing in the file – name the columns in the options of this source"),
        "no_folder": _("There is no such folder in the mailbox – check its name"),
        "mailbox": _("The mail server does not do what it is asked – Ohlas tries again by itself"),
        "token": _("The token is not valid any more – make a new one"),
        "permission": _("The key or token lacks a permission – make one with all that README.md names"),
        "closed": _("The account is closed or blocked there – sign in there and look for a notice"),
        "blocked": _("We are blocked there for a while – sign in there and look for a notice"),
        "outdated": _("The platform has changed and offers this no more – update Ohlas"),
        "quota": _("The quota is used up – Ohlas goes on by itself as soon as it is new"),
        "credits": _("The prepaid credit of the account is used up – buy more in the platform's console"),
        "taken": _("Another program reads the same account – give Ohlas one of its own"),
        "not_saved": _("What came could not be saved – Ohlas reads it again"),
        "model": _("The model cannot be loaded – `ohlas check` says why; until then the built-in one judges"),
        "bug": _("Ohlas itself made a mistake – look at its log, and report it"),
        # of answers, where the same happened to something else, or asks for something else
        "not_taken": _("The platform does not take this answer – change the text, or post it by hand"),
        "original_gone": _("What you answer is not there any more – look at the place; nothing may be left to answer"),
        "given_up": _("It did not get through, however often Ohlas tried – approve it again later"),
        "not_known": _("It is not known whether the answer is out – look at the place"),
        "not_found_out": _("Ohlas could not find out whether the answer is out – look at the place"),
        "no_look_up": _("Ohlas cannot check there whether the answer is out – look at the place"),
        "stopped": _("Ohlas was stopped while it was posting – it looks for the answer by itself"),
        "absent": _("Ohlas looked, and the answer is not there – it tries again by itself"),
        "harmless": _("It is not known whether the answer is out – Ohlas tries again; it will not stand there twice"),
        "unread": _("The original could not be read, so nothing was posted – look at the place, then approve again"),
        "moderated": _("The platform's moderation refused the answer – change the text, then approve it again"),
        "answered": _("Another answer of ours stands there already – look at the place"),
        "many_answers": _("There are too many answers for Ohlas to find ours – look at the place"),
        "posted_before": _("The platform says that the same text was posted before – look at the place"),
        "may_not": _("This account may not answer there – use another one, or reach the customer another way"),
        "locked": _("Replies are closed there – reach the customer another way"),
        "by_hand": _("Ohlas cannot post this answer by itself – post it by hand"),
        "whom_unknown": _("It is not known any more what the answer belongs to – post it by hand"),
        "too_long": _("The text is too long for the platform – shorten it, then approve it again"),
        "too_short": _("The text is too short, or was posted there before – change it, then approve it again"),
        "bad_recipient": _("No mail can be sent to the customer's address – reach the customer another way"),
        "mail_refused": _("The mail server does not take the mail – check the customer's address, or ask who runs it"),
        "bad_sender": _("The mail server does not let us write from our address – check the options of this source"),
    },
}
