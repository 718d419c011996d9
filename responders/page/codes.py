"""Codes that are stored, in English words. The catalogues translate the words; an unknown code is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping


def _(message: str) -> str:
    """Marks a message for the catalogues; it is translated when it is shown."""
    return message


CODES: Mapping[str, Mapping[str, str]] = {
    "state": {
        "pending": _("waiting"),
        "approved": _("approved"),
        "publishing": _("being published"),
        "published": _("published"),
        "failed": _("not published, failed"),
        "unknown": _("to be looked up"),
        "rejected": _("rejected"),
        "expired": _("expired"),
        "superseded": _("no longer needed"),
    },
    "tab": {
        "waiting": _("Waiting"),
        "approved": _("Approved"),
        "unknown": _("To be looked up"),
        "done": _("Done"),
        "all": _("All"),
    },
    "label": {"complaint": _("complaint"), "praise": _("praise"), "neutral": _("neutral")},
    # what a person may say that a mention is
    "it_is": {"complaint": _("This is a complaint"), "praise": _("This is praise"), "neutral": _("This is neither")},
    "priority": {"1": _("Urgent"), "2": _("High"), "3": _("Normal"), "4": _("Low")},
    "status": {"new": _("not read yet"), "ok": _("fine"), "failing": _("failing"), "stopped": _("stopped")},
    "via": {"page": _("page"), "terminal": _("terminal"), "service": _("service")},
    "aspect": {
        "delivery": _("delivery"),
        "product": _("product"),
        "price": _("price"),
        "staff": _("staff"),
        "refund": _("refund"),
        "web": _("web shop"),
        "communication": _("communication"),
        "availability": _("availability"),
    },
    "urgency": {
        "safety": _("danger"),
        "legal": _("law or fraud"),
        "media": _("press"),
        "money": _("money taken"),
        "deadline": _("deadline"),
        "repeated": _("asks again"),
    },
    "tone": {
        "plain": _("plain"),
        "rude": _("rude"),
        "offended": _("offended"),
        "know_it_all": _("know-it-all"),
        "undecided": _("undecided"),
    },
    "part": {
        "apology": _("apology"),
        "interest": _("interest"),
        "solution": _("solution"),
        "thanks": _("thanks"),
        "personal": _("something personal"),
        "invitation": _("invitation"),
    },
    # why a mention was judged so, by the classifier
    "verdict": {
        "words": _("Words that weigh"),
        "stars": _("Stars"),
        "rating": _("Stars"),
        "corrected": _("Corrected by"),
        "learned": _("Learned from your corrections"),
    },
    # why it is answered and how soon, by monitor/triage.py
    "triage": {
        "own_post": _("Written by the company itself"),
        "nothing_written": _("Neither text nor stars"),
        "already_answered": _("Already answered"),
        "same_text": _("The same customer wrote the same text elsewhere"),
        "too_old": _("Too old to be answered; age in days"),
        "urgent_safety": _("Somebody may be in danger; word that says so"),
        "urgent_legal": _("Law, authorities or fraud are mentioned; word that says so"),
        "urgent_media": _("The press is mentioned; word that says so"),
        "urgent_money": _("Money was taken and nothing came for it; words that say so"),
        "urgent_deadline": _("Needed by a certain time, or a period is over; words that say so"),
        "urgent_repeated": _("Not the first time that the customer asks; words that say so"),
        "complaint": _("A complaint"),
        "complaint_despite_stars": _("The text complains though the stars are good; stars"),
        "low_stars": _("Few stars though the text does not complain; stars"),
        "only_low_stars": _("Few stars and no text; stars"),
        "only_stars": _("Stars without a text; stars"),
        "unsure": _("Not clear, so treated as a complaint; confidence"),
        "praise": _("Praise"),
        "praise_with_question": _("Praise that asks something"),
        "question": _("A question"),
        "neutral": _("Neither complaint nor praise"),
        "spam": _("Spam; words that say so"),
        "advert": _("An advert with a link; words that say so"),
        "classified_advert": _("Somebody sells or looks for something; words that say so"),
        "giveaway": _("A giveaway; words that say so"),
        "job_advert": _("A job advert; words that say so"),
        "off_topic": _("The name means something else here; words that say so"),
        "foreign_language": _("In none of the configured languages; it is in"),
        "wanted": _("Drafted because a person wanted it"),
        "promised": _("An answer was promised to the customer"),
        "not_wanted": _("The configuration wants no answer to these; kind of mention"),
    },
    # what responders/guard.py has against a text
    "rule": {
        "empty": _("there is no text"),
        "too_long": _("longer than the platform takes"),
        "missing_part": _("a part of a good reply is missing"),
        "part_order": _("the order should be apology, interest, solution"),
        "wrong_language": _("another language than the customer's"),
        "unapproved_promise": _("promises what the policy does not allow"),
        "deadline_promised": _("promises to be done by a certain time"),
        "private_data": _("shows something private in public"),
        "unknown_link": _("links to somewhere else than the company's website"),
        "unfilled_slot": _("a placeholder was left in"),
        "insult_or_blame": _("insults or blames the customer"),
        "promise_over": _("the promised time is over, or its day is another one"),
        "sarcasm": _("mocks the customer or answers back"),
        "slander": _("speaks ill of a competitor"),
        "admission": _("admits liability in the law's words"),
        "forbidden_words": _("holds words that the policy forbids"),
        "repetition": _("repeats an earlier reply in the same conversation"),
    },
    # lines of the audit list
    "action": {
        "approve": _("approved"),
        "edit": _("edited"),
        "reject": _("rejected"),
        "undo": _("approval taken back"),
        "acknowledge": _("an acknowledgement was wanted first"),
        "full_answer": _("the full answer was wanted at once"),
        "posted": _("marked as posted"),
        "not_posted": _("marked as not posted"),
        "correct": _("label corrected"),
        "mention_edited": _("the customer edited the text; the approval was withdrawn"),
        "mention_gone": _("the customer's text was deleted at the source"),
        "reply_seen": _("our reply was seen at the source"),
        "redrafted": _("drafted anew"),
        "no_reply_needed": _("no reply is needed any more"),
        "approval_withdrawn": _("the approval was withdrawn"),
        "outcome_unknown": _("the outcome is unknown"),
        "publication_published": _("published"),
        "publication_waiting": _("publishing was put off"),
        "publication_failed": _("publishing failed"),
        "publication_unknown": _("the outcome is unknown"),
    },
    # reasons that stand in the audit list
    "why": {
        "no_reply": _("It needs no reply"),
        "handled": _("Handled another way"),
        "wrong_facts": _("The draft has its facts wrong"),
        "wrong_tone": _("The draft has the wrong tone"),
        "not_ours": _("Spam, or not about us"),
        "overrides": _("approved in spite of: %(rules)s"),
        "mention_edited": _("the customer edited the text"),
        "label_corrected": _("the label was corrected"),
        "judged_again": _("another model judged the text"),
        "promise_renewed": _("the promised time was over"),
        "stopped while posting": _("stopped while posting"),
        "the approval does not hold any more": _("the approval does not hold any more"),
    },
}

# offered for a rejection; whatever else a person types is taken too
REJECTION_REASONS = ("no_reply", "handled", "wrong_facts", "wrong_tone", "not_ours")
