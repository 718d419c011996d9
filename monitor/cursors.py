"""Where a connector reads on. A cursor is JSON that nobody but its connector understands."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ValidationError


class Cursor(BaseModel):
    """Subclasses name what they remember, every field with the default of a first poll."""

    @classmethod
    def parse(cls, cursor: str) -> Self:
        try:
            return cls.model_validate_json(cursor)
        except ValidationError:
            return cls()  # nothing yet, or of another version
