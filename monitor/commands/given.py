"""A mention as other programs give it on standard input."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.contract import Channel
from monitor.model import Mention, Purpose
from monitor.text import canonical_url, clean, one_line


def _none_is_empty(value: Any) -> Any:
    return "" if value is None else value


def _number_is_id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_none_is_empty)]
Id = Annotated[str, BeforeValidator(_number_is_id)]


class Given(BaseModel):
    """`{source, id, author, title?, text, language?, rating?, url, created_at?}`; other keys are left alone.

    Who asks for a draft may add what a person knows of the case: `{fault?, channel?, actor?, purpose?,
    reference?}`."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    source: str = Field(min_length=1, max_length=200, description="where it was said")
    id: Id = Field(min_length=1, max_length=1000, description="the source's own number of it")
    author: Text = Field(description="the customer's name, may be empty")
    title: Text = ""
    text: Text = Field(description="what the customer wrote")
    language: Text = Field(default="", pattern=r"^([a-z]{2})?$", description="an ISO 639-1 code")
    rating: float | None = Field(default=None, ge=1.0, le=5.0, strict=True, description="stars, 1 to 5")
    url: Text = Field(description="where it stands, may be empty")
    created_at: datetime | None = Field(default=None, description="ISO 8601; now where it is missing")
    fault: Literal["ours", "maybe_ours", "not_ours", "misunderstanding"] | None = Field(
        default=None, description="whose fault it is; read from the text where it is missing"
    )
    channel: Channel | None = Field(default=None, description="where the answer will stand; else as the source says")
    actor: Text = Field(default="", description="who is to approve the answer; his role may narrow what is offered")
    purpose: Purpose = Field(default="answer", description="acknowledgement: only that we have it, and when we answer")
    reference: Text = Field(default="", max_length=40, description="the number of the case, as the answer names it")

    @model_validator(mode="after")
    def _says_something(self) -> Given:
        if not clean(self.text) and not clean(self.title) and self.rating is None:
            raise ValueError("text: must not be empty where there is neither title nor rating")
        return self

    def mention(self, now: datetime) -> Mention:
        at = self.created_at or now
        return Mention(
            source=one_line(self.source),
            id=self.id,
            author=one_line(self.author),
            title=one_line(self.title),
            text=clean(self.text),
            language=self.language,
            rating=self.rating,
            url=canonical_url(self.url),
            created_at=at if at.tzinfo else at.replace(tzinfo=UTC),
        )
