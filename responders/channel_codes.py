"""Codes of the company's own channels, in English words, as responders/codes.py has those of everything else."""

from __future__ import annotations

from collections.abc import Mapping


def _(message: str) -> str:
    """Marks a message for the catalogues; it is translated when it is shown."""
    return message


CHANNEL_CODES: Mapping[str, Mapping[str, str]] = {
    "channel": {
        "page": _("page"),
        "profile": _("profile"),
        "form": _("contact form"),
        "mailbox": _("mailbox"),
    },
    # monitor/liveness.py
    "health": {
        "new": _("not looked at yet"),
        "ok": _("works"),
        "warning": _("works, but not for long"),
        "unknown": _("cannot be told from here"),
        "failing": _("fails; looked at again soon"),
        "broken": _("does not work"),
    },
    # why a channel is as it is; monitor/channels
    "channel_why": {
        "no_host": _("there is no such domain"),
        "bad_address": _("the address is not right"),
        "no_answer": _("the server does not answer"),
        "slow": _("no answer within 20 seconds"),
        "redirects": _("it redirects in a circle"),
        "no_tls": _("no secure connection can be made"),
        "certificate_expired": _("the certificate has expired; browsers warn customers"),
        "certificate_other_host": _("the certificate is of another domain; browsers warn customers"),
        "certificate_untrusted": _("the certificate cannot be checked from here"),
        "certificate_ends": _("the certificate expires"),
        "gone": _("the page is not there"),
        "server_error": _("the server answers with an error"),
        "not_found_text": _("the page says that it does not exist"),
        "same_as_missing": _("the page is the same as for addresses that do not exist"),
        "text_missing": _("these words do not stand on the page"),
        "maintenance": _("the page says that it is being worked on"),
        "parked": _("somebody else's page, or none, stands on the domain"),
        "drawn_by_scripts": _("scripts draw the page; name words that must stand on it"),
        "refused": _("robots are not let in"),
        "wall": _("a login or a captcha stands before it"),
        "too_large": _("the page is too large to be read"),
        "private": _("the address lies inside a private network; see service.allow_private"),
        "nonsense": _("the answer cannot be read"),
        "offline": _("there was no connection to the internet"),
        "no_form": _("there is no contact form on the page"),
        "form_empty": _("the form has nothing to write into"),
        "no_field": _("the form lacks a field"),
        "form_by_script": _("a script draws the form"),
        "action_gone": _("what is sent from the form goes nowhere"),
        "action_unreachable": _("the server that the form sends to cannot be reached"),
        "action_unknown": _("whether the form is received cannot be told"),
        "no_mail_server": _("the domain takes no mail"),
        "mail_server_silent": _("the mail server could not be asked"),
        "mail_not_here": _("the mail server does not know the domain"),
        "mailbox_unknown": _("the mail server does not know the mailbox"),
        "mailbox_full": _("the mailbox is full"),
        "mail_later": _("the mail server wants to be asked later"),
        "mail_refused": _("the mail server does not talk to us"),
        "mail_not_arrived": _("a test mail was taken and did not arrive"),
        "mail_is_spam": _("a test mail ended among spam"),
        "imap_refused": _("the mailbox refuses the password"),
        "imap_silent": _("the mailbox could not be read"),
    },
}


def seen(code: str, detail: str) -> str:
    """Why a channel is as it is, in English, for the terminal."""
    said = CHANNEL_CODES["channel_why"].get(code, code)
    return f"{said} ({detail})" if detail else said
