"""Every option of config.toml, typed. Reading the file is monitor/settings.py."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.alert_options import AlertOptions
from monitor.case_options import CaseOptions
from monitor.channel_options import ChannelOptions
from monitor.digest_options import DigestOptions
from monitor.follow_up_options import FollowUpOptions
from monitor.retention_options import RetentionOptions
from monitor.section import Options, Security, Weekday, known_zone
from monitor.watch_options import WatchedPhrases, WatchOptions

__all__ = ["Options", "Security", "Weekday"]  # from here, too: this is where options are looked for

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$", description="ISO 639-1 code")]

Phrase = Annotated[str, Field(pattern=r"\w", description="words as they are written")]


Offer = Literal["refund", "replacement", "voucher", "discount", "call_back", "manager"]
AspectName = Literal["delivery", "product", "price", "staff", "refund", "web", "communication", "availability"]
UrgencyName = Literal["safety", "legal", "media", "money", "deadline", "repeated"]


class SourceOptions(Options):
    """What every `[sources.NAME]` table understands; a connector's `Settings` adds its own keys."""

    kind: str = Field(description="which file of connectors/ reads this source")
    name: str = Field(default="", description="set from the table's name; not written by hand")
    interval: float = Field(default=900.0, ge=1.0, le=7 * 86400.0, description="seconds between two polls")
    language: str = Field(
        default="", pattern=r"^([a-z]{2})?$", description="language of this source, where it is always the same"
    )
    own_names: tuple[str, ...] = Field(
        default=(), description="names that the company itself uses on this source; they are never answered"
    )
    watch: bool = Field(default=False, description="whether only what holds one of watch.terms is of interest here")
    terms: WatchedPhrases = Field(
        default=(), description="instead of watch.terms and watch.patterns; needs no `watch = true`"
    )
    exclude: WatchedPhrases = Field(default=(), description="instead of watch.exclude")
    base: Path = Field(default=Path(), description="folder of config.toml; set when read, not written by hand")

    @property
    def emptied(self) -> str:
        """What is gone once it was read, so that one source alone can read it; "" where that harms nobody."""
        return ""


class CompanyOptions(Options):
    """Facts that replies may use. What does not stand here is not said."""

    name: str = Field(default="", description="how the company signs")
    signature: str = Field(default="", description="the person who signs replies, e.g. 'Jana z tímu Ohlas'")
    contact: str = Field(default="", description="where a customer can write or call: e-mail or phone")
    website: str = Field(default="", description="the only link that a reply may contain")
    own_names: tuple[str, ...] = Field(
        default=(), description="names that the company uses on every source; they are never answered"
    )
    competitors: tuple[Phrase, ...] = Field(
        default=(), description="names of competitors; a reply that speaks ill of one is refused"
    )
    currency: str = Field(default="€", description="how amounts of money are written in replies, e.g. '€' or 'Kč'")
    facts: Path | None = Field(
        default=None, description="folder with LANGUAGE.toml files of facts that replies may use, e.g. return periods"
    )


class Allowance(Options):
    """What may be promised in certain matters, or by certain people. What is left out is as in [policy]."""

    may_offer: tuple[Offer, ...] | None = Field(default=None, description="instead of policy.may_offer")
    voucher_limit: float | None = Field(default=None, ge=0.0, description="instead of policy.voucher_limit")


class RoleOptions(Allowance):
    """Narrows what those people may approve; it never widens what [policy] allows."""

    people: tuple[str, ...] = Field(min_length=1, description="names of approval.people who have this role")


class PolicyOptions(Options):
    """What a reply may promise. Everything else is refused by the guard."""

    may_offer: tuple[Offer, ...] = Field(default=("call_back",), description="what a draft may offer of its own accord")
    voucher_limit: float = Field(default=0.0, ge=0.0, description="largest amount a reply may name as a gift")
    extra: bool = Field(
        default=True,
        description="offer something extra, a voucher within its limit, where the fault is surely ours",
    )
    may_admit: bool = Field(
        default=False, description="a reply may admit liability in the law's words ('we are liable for the damage')"
    )
    never_say: tuple[Phrase, ...] = Field(default=(), description="words that no reply may hold, e.g. for the lawyers")
    aspects: dict[AspectName, Allowance] = Field(
        default_factory=dict, description="other allowances where a complaint is about this"
    )
    roles: dict[str, RoleOptions] = Field(default_factory=dict, description="narrower allowances of some people")


class LlmOptions(Options):
    """A language model that drafts. The guard judges what it writes, a person decides; the playbook stands in."""

    endpoint: str = Field(
        default="", description="an OpenAI-compatible address, e.g. 'http://127.0.0.1:11434/v1'; empty: a local model"
    )
    model: str = Field(
        min_length=1, description="the model's name at that endpoint, or a local folder or pulled model to run here"
    )
    api_key: SecretStr | None = Field(default=None, description="where the endpoint wants one")
    structured: Literal["json_schema", "json_object", "off"] = Field(
        default="json_schema", description="how the endpoint is asked for parts; off: by the prompt's words alone"
    )
    timeout: float = Field(default=30.0, gt=0.0, le=600.0, description="seconds until the playbook's draft is used")
    max_tokens: int = Field(default=500, ge=50, le=8000, description="longest answer of the model")
    temperature: float = Field(default=0.3, ge=0.0, le=2.0, description="0: always the likeliest words")
    examples: int = Field(default=3, ge=0, le=10, description="approved replies shown to the model as examples")
    price_in: float = Field(default=0.0, ge=0.0, description="price of a million tokens read")
    price_out: float = Field(default=0.0, ge=0.0, description="price of a million tokens written")
    spend_per_day: float = Field(
        default=1.0, ge=0.0, description="most that a day may cost, in the currency of the prices"
    )
    tokens_per_day: int = Field(default=500_000, ge=0, description="most tokens a day, read and written together")


class DraftingOptions(Options):
    languages: tuple[LanguageCode, ...] = Field(
        default=("sk", "cs", "hu", "en", "de", "pl"),
        min_length=1,
        description="languages that customers are answered in",
    )
    fallback_language: LanguageCode = Field(default="en", description="used where the mention's language is not known")
    playbooks: Path | None = Field(
        default=None, description="folder with your own LANGUAGE.toml playbooks; they replace the shipped ones"
    )
    formal: bool = Field(default=True, description="formal address (vykanie, vykání, magázás)")
    acknowledge_first: tuple[UrgencyName, ...] = Field(
        default=("safety", "legal", "media"),
        description="matters in which a short 'we have it, we answer by …' is drafted before the answer itself",
    )
    llm: LlmOptions | None = Field(default=None, description="a language model that writes drafts; off where absent")


def _known_country(code: str) -> str:
    if code in ("", "SK", "CZ", "HU", "AT", "DE", "PL", "GB"):  # most installations need not wait for the import
        return code
    from holidays import list_supported_countries

    if code not in list_supported_countries():
        raise ValueError(f'the public holidays of "{code}" are not known; write a country like "SK", or nothing')
    return code


class HoursOptions(Options):
    """When people answer. Times are those of page.timezone."""

    days: tuple[Weekday, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"), min_length=1, description="working days"
    )
    opens: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="08:00", description="start of a working day"
    )
    closes: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="16:00", description="end of a working day; on the next day where it is not later than `opens`"
    )
    holidays: Annotated[str, Field(pattern=r"^([A-Z]{2})?$"), AfterValidator(_known_country)] = Field(
        default="SK", description="country whose public holidays are free; empty: none"
    )
    answer_within: float = Field(
        default=8.0, gt=0.0, le=400.0, description="working hours in which an answer is promised in acknowledgements"
    )


class ClassifierOptions(Options):
    model: str = Field(
        default="",
        description='a model of the Hugging Face hub, "organisation/name", or a folder that holds one; '
        "empty: the one that comes with Ohlas",
    )
    revision: str = Field(
        default="", description="commit, branch or tag of that model as it was pulled; empty: the newest pulled one"
    )
    labels: dict[str, Literal["complaint", "praise", "neutral"]] = Field(
        default_factory=dict, description="what the model's labels mean, where `ohlas check` shows a wrong guess"
    )
    hypotheses: dict[Literal["complaint", "praise", "neutral"], str] = Field(
        default_factory=dict, description="sentences that a model of inference (zero-shot) is asked about"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where that model runs; auto: on a GPU where PyTorch sees one"
    )
    threads: int = Field(default=1, ge=1, le=64, description="cores that one run of that model may take")
    max_wait: float = Field(
        default=0.2,
        ge=0.0,
        le=10.0,
        description="seconds that a text may be passed over so that texts of like length are judged together",
    )
    unsure_below: float = Field(
        default=0.60, ge=0.34, le=0.99, description="a verdict with less confidence than this is marked unsure"
    )
    complaint_from: float = Field(
        default=0.20,
        ge=0.01,
        le=1.0,
        description="praise and neutral are marked unsure where a complaint is at least this likely; "
        "lower: fewer complaints are missed, more is looked at",
    )


class TriageOptions(Options):
    reply_to: tuple[Literal["complaint", "praise", "neutral"], ...] = Field(
        default=("complaint", "praise"),
        description="which mentions get a draft; unsure ones always do when complaint is listed",
    )
    oldest_days: float = Field(default=365.0, gt=0, description="older mentions are kept but get no draft")
    brand: tuple[Phrase, ...] = Field(
        default=(), description="your name as people write it, where it means something else as well"
    )
    off_topic: tuple[Phrase, ...] = Field(
        default=(),
        description="words that show the other meaning; with one beside every `brand` a mention is set aside",
    )


class AnswerTimes(Options):
    """Working hours until an answer is due, by priority."""

    urgent: float = Field(default=2.0, gt=0.0, description="working hours for urgent matters")
    high: float = Field(default=4.0, gt=0.0, description="working hours for matters of high priority")
    normal: float = Field(default=8.0, gt=0.0, description="working hours for ordinary matters")
    low: float = Field(default=24.0, gt=0.0, description="working hours for what can wait, e.g. praise")


class ApprovalOptions(Options):
    people: tuple[str, ...] = Field(
        default=("you",),
        min_length=1,
        description="names of those who may decide; those with a [people.NAME] need not stand here",
    )
    grace: float = Field(default=45.0, ge=0.0, le=3600.0, description="seconds in which an approval can be undone")
    look_up_after: float = Field(
        default=90.0,
        ge=1.0,
        le=3600.0,
        description="seconds after which an answer that may be out or not is looked for; longer than any request lives",
    )
    own_edits: bool = Field(default=True, description="whether a person may approve a text that he has rewritten")
    two_for: tuple[UrgencyName, ...] = Field(default=(), description="matters that two people have to approve")
    lease: float = Field(default=15.0, gt=0.0, le=1440.0, description="minutes for which a claimed draft is one's own")
    answer_within: AnswerTimes = Field(default=AnswerTimes(), description="working hours until an answer is due")
    remind_at: float = Field(
        default=0.5, gt=0.0, lt=1.0, description="share of that time after which a reminder is sent"
    )
    escalate_to: str = Field(
        default="", description="person or group that hears of a matter whose answer is overdue, after the deputy"
    )


def _period(value: str) -> str:
    first, _, last = value.partition("/")
    try:
        if date.fromisoformat(first) > date.fromisoformat(last or first):
            raise ValueError
    except ValueError:
        raise ValueError(
            "write a day like '2026-12-24', or the first and the last one: '2026-12-24/2027-01-02'"
        ) from None
    return value


class PersonOptions(Options):
    """Somebody who reads or decides. The table's name is the person's name everywhere."""

    mail: str = Field(default="", pattern=r"^([^@\s]+@[^@\s]+)?$", description="e-mail address")
    slack: str = Field(default="", pattern=r"^([UW][A-Z0-9]+)?$", description="Slack's member ID, e.g. 'U012AB3CD'")
    role: Literal["reader", "agent", "manager"] = Field(
        default="agent", description="reader: only reads; agent: decides; manager: also against the guard, and in bulk"
    )
    language: Literal["en", "sk", "cs", "hu", "de", "pl"] = Field(
        default="en", description="in which Ohlas writes to this person"
    )
    timezone: Annotated[str, AfterValidator(lambda name: name and known_zone(name))] = Field(
        default="", description="in which this person's digest counts days; empty: page.timezone"
    )
    languages: tuple[LanguageCode, ...] = Field(
        default=(), description="languages of customers that this person answers; empty: all"
    )
    sources: tuple[str, ...] = Field(default=(), description="sources that this person answers; empty: all")
    groups: tuple[str, ...] = Field(default=(), description="groups that this person belongs to, for [[routing]]")
    hours: HoursOptions | None = Field(default=None, description="own working hours, where they differ from [hours]")
    digest: DigestOptions | None = Field(default=None, description="own digest, where it differs from [digest]")
    deputy: str = Field(default="", description="who stands in while this person is away")
    absent: tuple[Annotated[str, AfterValidator(_period)], ...] = Field(
        default=(), description="days away, e.g. '2026-12-24/2027-01-02'"
    )


class RoutingRule(Options):
    """The first rule that fits a draft says whose it is; what is left out fits everything."""

    source: str = Field(default="", description="name of a source")
    language: str = Field(default="", pattern=r"^([a-z]{2})?$", description="the customer's language")
    label: Literal["", "complaint", "praise", "neutral"] = Field(default="", description="kind of mention")
    aspect: AspectName | Literal[""] = Field(default="", description="what it is about")
    urgency: UrgencyName | Literal[""] = Field(default="", description="what makes it urgent")
    to: str = Field(min_length=1, description="a person, or a group of people")


class SlackOptions(Options):
    """Off where absent."""

    bot_token: SecretStr = Field(description="the app's bot token, xoxb-…")
    app_token: SecretStr | None = Field(default=None, description="the app-level token, xapp-…; for mode socket")
    signing_secret: SecretStr | None = Field(default=None, description="the app's signing secret; for mode http")
    mode: Literal["socket", "http"] = Field(
        default="socket", description="socket needs no address that Slack can reach; http: POST /slack behind page.url"
    )
    channel: str = Field(pattern=r"^[CGD][A-Z0-9]+$", description="ID of the channel for drafts, e.g. 'C012AB3CD'")
    notices: str = Field(
        default="", pattern=r"^([CGD][A-Z0-9]+)?$", description="ID of the channel for notices; empty: the same"
    )
    api: str = Field(default="https://slack.com/api/", description="address of Slack's API, for a proxy")

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        if self.mode == "socket" and self.app_token is None:
            raise ValueError(
                "mode socket needs an app_token: in the app's settings, Basic Information, App-Level Tokens"
            )
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("mode http needs a signing_secret: in the app's settings, Basic Information")
        return self


class MailOptions(Options):
    """Off where absent."""

    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="address that Ohlas writes from")
    host: str = Field(min_length=1, description="SMTP server")
    port: int = Field(default=587, ge=1, le=65535, description="SMTP port")
    security: Security = Field(default="starttls", description="tls (usually port 465), starttls (587), or none")
    user: str = Field(default="", description="SMTP user; empty: no login")
    password: SecretStr | None = Field(default=None, description="SMTP password")
    ca: Path | None = Field(default=None, description="certificate of an own authority that the servers are checked by")
    after: float = Field(
        default=15.0, ge=0.0, description="minutes that a draft waits (in Slack, on the page) before a mail is sent"
    )
    imap_host: str = Field(default="", description="IMAP server for approving by reply; empty: links only")
    imap_port: int = Field(default=993, ge=1, le=65535, description="IMAP port")
    imap_security: Security = Field(default="tls", description="tls (993), starttls (143), or none")
    imap_user: str = Field(default="", description="IMAP user; empty: the SMTP user")
    imap_password: SecretStr | None = Field(default=None, description="IMAP password; absent: the SMTP password")
    folder: str = Field(default="INBOX", description="folder that replies arrive in")
    authserv_id: str = Field(
        default="",
        description="the name that your mail server signs Authentication-Results with; "
        "without it a reply never decides, it is answered with a link",
    )


class PageOptions(Options):
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="another free one is taken when this one is in use")
    url: str = Field(default="", description="address under which people reach the page, behind a proxy")
    language: Literal["en", "sk", "cs", "hu"] = Field(
        default="en", description="the page's language until a person picks one"
    )
    timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        default="Europe/Bratislava", description="the time zone in which the page shows times"
    )


class ServiceOptions(Options):
    state: Path = Field(default=Path("state"), description="folder of the database and its backups")
    concurrency: int = Field(default=16, ge=1, le=256, description="polls under way at once")
    allow_private: tuple[str, ...] = Field(
        default=(), description="addresses inside your own network that sources may reach, e.g. '10.0.5.0/24'"
    )
    log: Literal["text", "json"] = Field(default="text", description="how log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    metrics_token: SecretStr | None = Field(
        default=None, description="bearer token that /metrics asks for from other machines"
    )


class Config(Options):
    """config.toml as a whole; `sources` holds one `Settings` of a connector each, by name."""

    company: CompanyOptions = CompanyOptions()
    policy: PolicyOptions = PolicyOptions()
    people: dict[str, PersonOptions] = Field(default_factory=dict, description="who reads and decides")
    routing: tuple[RoutingRule, ...] = Field(default=(), description="whose a draft is; the first rule that fits")
    hours: HoursOptions = HoursOptions()
    drafting: DraftingOptions = DraftingOptions()
    classifier: ClassifierOptions = ClassifierOptions()
    watch: WatchOptions = WatchOptions()
    triage: TriageOptions = TriageOptions()
    cases: CaseOptions = CaseOptions()
    approval: ApprovalOptions = ApprovalOptions()
    alerts: AlertOptions = AlertOptions()
    follow_up: FollowUpOptions = FollowUpOptions()
    digest: DigestOptions = DigestOptions()
    page: PageOptions = PageOptions()
    retention: RetentionOptions = RetentionOptions()
    service: ServiceOptions = ServiceOptions()
    slack: SlackOptions | None = Field(default=None, description="drafts in Slack")
    mail: MailOptions | None = Field(default=None, description="drafts by e-mail")
    channels: ChannelOptions | None = Field(default=None, description="your own pages, profiles, form and mailbox")
    sources: dict[str, SourceOptions] = Field(default_factory=dict)
    base: Path = Field(default=Path(), description="folder of config.toml; set when read")
