"""Where drafts are written: judging, triage, composing and the guard, put together out of the configuration.

What composes and guards is imported by the first mention that needs it: it takes longer than what the page needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.acknowledging import promise
from monitor.contract import Channel, Connector, ReplyRules
from monitor.errors import ConfigError
from monitor.hours import said
from monitor.linking import Linker
from monitor.model import Classifier, Composition, Finding, GivenOrder, Mention, Triage, Utterance, Verdict, case_number
from monitor.options import CompanyOptions, Config, SourceOptions
from monitor.triage import is_own, label_for_reply, triage
from monitor.watch.sources import Watching
from responders.policy import allowance
from responders.publish import reply_rules
from responders.satisfaction import Questions, questions_of
from responders.shipped import shipped_languages

if TYPE_CHECKING:
    from responders.playbook import Playbook
    from responders.situation import Situation


@dataclass
class Desk:
    """Where drafts are written: everything that composing and guarding need, and nothing that waits."""

    config: Config
    classifier: Classifier
    connectors: Mapping[str, Connector]
    playbooks: dict[str, Playbook] = field(default_factory=dict)
    known: dict[str, Mapping[str, str]] = field(default_factory=dict)  # the company's facts, by language
    watching: Watching = field(init=False)

    def __post_init__(self) -> None:
        self.watching = Watching(self.config)

    @cached_property
    def questions(self) -> Questions | None:
        """How customers are asked how they were treated; None where they are not."""
        return questions_of(self.config)

    def check_texts(self) -> None:
        """Raises ConfigError with every mistake in the playbooks and facts, before a mention trips over one.

        Where only Ohlas's own texts are used they are not read: its tests have, and `ohlas check` does.
        """
        company, drafting = self.config.company, self.config.drafting
        languages = {*drafting.languages, drafting.fallback_language}
        if company.facts is None and drafting.playbooks is None and languages <= {*shipped_languages()}:
            return
        from responders.facts import mistakes_in_texts

        if mistakes := mistakes_in_texts(company, drafting):
            raise ConfigError(mistakes)

    def judge(self, mentions: list[Mention]) -> list[Verdict]:
        """Verdicts with their reasons, in the order of the mentions."""
        utterances = [self._utterance(mention) for mention in mentions]
        verdicts = self.classifier.classify(utterances)
        return [
            self.watching.told(mention, self.classifier.explain(utterance, verdict))
            for mention, utterance, verdict in zip(mentions, utterances, verdicts, strict=True)
        ]

    def triage(self, mention: Mention, verdict: Verdict, now: datetime) -> Triage:
        return triage(
            mention,
            verdict,
            options=self.config.triage,
            own_names=self._own_names(mention.source),
            now=now,
            not_ours=self.watching.not_ours(mention),
        )

    def linker(self) -> Linker:
        """What tells whose matter a mention is."""
        return Linker(
            options=self.config.cases,
            kinds={name: source.kind for name, source in self.config.sources.items()},
            is_own=lambda mention: is_own(mention.author, self._own_names(mention.source)),
        )

    def compose(
        self,
        mention: Mention,
        verdict: Verdict,
        reference: str = "",
        *,
        fault: str = "",
        channel: Channel | None = None,
        actor: str = "",
        avoid: Collection[str] = (),
        beside: Sequence[Mention] = (),
    ) -> Composition:
        """`fault` is a person's word on who erred (one of FAULTS of the playbook), `channel` another than the source's,
        `actor` the one who is to approve, `avoid` the last replies of the thread, `beside` what else the customer
        wrote in the matter. Raises ValueError for other faults.
        """
        from responders.draft import compose

        language = self.language(mention, verdict)
        return compose(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(language),
            company=self.config.company,
            policy=self.config.policy,
            rules=self.rules(mention, channel),
            reference=reference,
            facts=self.facts(language),
            fault=fault,
            actor=actor,
            avoid=avoid,
            feedback=self._feedback(reference),
            order=self._order(mention, beside),
        )

    def acknowledge(
        self, mention: Mention, verdict: Verdict, reference: str, seen_at: datetime, now: datetime
    ) -> tuple[Composition, datetime]:
        """The short "we have it" to what came at `seen_at`, and by when it promises the answer."""
        from responders.draft import acknowledge

        language, zone = self.language(mention, verdict), ZoneInfo(self.config.page.timezone)
        due = promise(seen_at, now, self.config.hours, zone)
        composition = acknowledge(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(language),
            company=self.config.company,
            rules=self.rules(mention),
            reference=reference,
            answer_by=said(due, now, language, zone),
        )
        return composition, due

    def situation(
        self,
        mention: Mention,
        verdict: Verdict,
        *,
        fault: str = "",
        channel: Channel | None = None,
        beside: Sequence[Mention] = (),
    ) -> Situation:
        """What a reply is picked by. Raises ValueError where `fault` is none."""
        from responders.situation import understand

        return understand(
            mention,
            self._as_answered(mention, verdict),
            playbook=self.playbook(self.language(mention, verdict)),
            rules=self.rules(mention, channel),
            fault=fault,
            order=self._order(mention, beside),
        )

    def language(self, mention: Mention, verdict: Verdict) -> str:
        """The one to answer in."""
        from responders.draft import language_for

        return language_for(verdict, mention, self.config.drafting)

    def guard(
        self,
        text: str,
        language: str,
        mention: Mention,
        verdict: Verdict,
        parts: Mapping[str, str] | None = None,
        *,
        actor: str = "",
        earlier: Sequence[str] = (),
        beside: Sequence[Mention] = (),
    ) -> tuple[Finding, ...]:
        """`actor` approves the text, where that is known; `earlier` are the last replies of the thread, `beside` is
        what else the customer wrote in the matter."""
        from monitor.language import identify
        from responders.guard import check
        from responders.guarding.platform import remarks

        rules = self.rules(mention)
        findings = check(
            text,
            language=language,
            label=label_for_reply(mention, verdict),
            rules=rules,
            company=self.config.company,
            policy=self.config.policy,
            allowed=allowance(self.config.policy, [aspect.name for aspect in verdict.aspects], actor),
            parts=parts,
            mention=mention,
            identify=partial(identify, languages=self.config.drafting.languages),
            playbook=self.playbook(language),
            earlier=earlier,
            known=tuple(self.facts(language).values()),
            own_links=self.questions.beginning if self.questions else "",
            order=self._order(mention, beside),
        )
        return (*findings, *remarks(text, rules))

    def playbook(self, language: str) -> Playbook:
        from responders.playbook import load

        if language not in self.playbooks:
            self.playbooks[language] = load(
                language, self.config.drafting.playbooks, formal=self.config.drafting.formal
            )
        return self.playbooks[language]

    def rules(self, mention: Mention, channel: Channel | None = None) -> ReplyRules:
        """How the mention's source takes answers."""
        rules = reply_rules(self.connectors.get(mention.source), mention)
        return replace(rules, channel=channel) if channel else rules

    def facts(self, language: str) -> Mapping[str, str]:
        from responders.facts import load

        if language not in self.known:
            drafting = self.config.drafting
            self.known[language] = load(self.config.company.facts, language, formal=drafting.formal)
        return self.known[language]

    def _order(self, mention: Mention, beside: Sequence[Mention]) -> GivenOrder:
        # imported late: its expressions take 7 ms to compile
        from monitor.orders import given_order

        return given_order(mention, beside, self.config.cases.order_number)

    def _feedback(self, reference: str) -> str:
        case_id = case_number(reference)
        return self.questions.link(case_id) if self.questions and case_id else ""

    def _as_answered(self, mention: Mention, verdict: Verdict) -> Verdict:
        return replace(verdict, label=label_for_reply(mention, verdict))

    def _utterance(self, mention: Mention) -> Utterance:
        return Utterance(
            text="\n".join(part for part in (mention.title, mention.text) if part),
            rating=mention.rating,
            language=mention.language or self._source(mention.source).language,
        )

    def _source(self, name: str) -> SourceOptions:
        return self.config.sources.get(name) or SourceOptions(kind="")

    def _own_names(self, source: str) -> Collection[str]:
        company: CompanyOptions = self.config.company
        names = (*company.own_names, *self._source(source).own_names, company.name)
        return {name for name in names if name}
