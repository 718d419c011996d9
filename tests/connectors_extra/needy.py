"""A connector whose library is not installed."""

import library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401
