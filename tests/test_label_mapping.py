"""What the labels of somebody else's model are taken for."""

from __future__ import annotations

import pytest

from monitor.classify.label_mapping import label_names, map_labels, meaning_of
from monitor.errors import ModelUnusable

C, N, P = "complaint", "neutral", "praise"


@pytest.mark.parametrize(
    ("names", "meanings"),
    [
        (("negative", "neutral", "positive"), (C, N, P)),
        (("POS", "NEU", "NEG"), (P, N, C)),
        (("LABEL_0", "LABEL_1", "LABEL_2"), (C, N, P)),
        (("LABEL_0", "LABEL_1"), (C, P)),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), (C, C, N, P, P)),
        (("1", "2", "3", "4", "5"), (C, C, N, P, P)),
        (("Very Negative", "Negative", "Neutral", "Positive", "Very Positive"), (C, C, N, P, P)),
        (("negatívny", "neutrálny", "pozitívny"), (C, N, P)),
        (("negatív", "semleges", "pozitív"), (C, N, P)),
        (("sťažnosť", "pochvala"), (C, P)),
        (("anger", "joy", "optimism", "sadness"), (C, P, P, C)),
        (("complaint", "other", "praise"), (C, N, P)),
    ],
)
def test_the_guess(names: tuple[str, ...], meanings: tuple[str, ...]) -> None:
    mapping = map_labels(names)
    assert tuple(mapping.meanings.values()) == meanings
    assert mapping.assumed == names[0].startswith("LABEL")
    assert mapping.assumed == ("assumed" in mapping.described())


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (("contradiction", "neutral", "entailment"), 2),
        (("entailment", "not_entailment"), 0),
        (("ENTAILMENT", "NEUTRAL", "CONTRADICTION"), 0),
    ],
)
def test_a_model_of_inference_is_recognised(names: tuple[str, ...], place: int) -> None:
    assert map_labels(names).entailment == place
    assert "inference" in map_labels(names).described()


def test_what_the_user_says_wins() -> None:
    mapping = map_labels(("LABEL_0", "LABEL_1"), {"label_0": "praise", "LABEL_1": "complaint"})
    assert mapping.meanings == {"LABEL_0": P, "LABEL_1": C}
    assert mapping.columns() == [1, 0]
    assert not mapping.assumed
    assert map_labels(("hate", "fine"), {"hate": "complaint", "fine": "praise"}).meanings == {"hate": C, "fine": P}


@pytest.mark.parametrize("name", ["hate", "non-hate", "not_negative", "no", "toxic", "A"])
def test_what_says_nothing_is_not_guessed(name: str) -> None:
    assert meaning_of(name) is None


def test_an_unknown_label_is_refused_with_the_line_to_write() -> None:
    with pytest.raises(ModelUnusable, match=r'labels = \{ "P" = "neutral", "N" = "neutral" \}'):
        map_labels(("P", "N"))


def test_a_model_that_cannot_tell_is_refused() -> None:
    with pytest.raises(ModelUnusable, match="means complaint"):
        map_labels(("positive", "neutral"))


def test_a_name_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(ModelUnusable, match=r'"angry".*"negative", "positive"'):
        map_labels(("negative", "positive"), {"angry": "complaint"})


def test_names_come_from_the_models_configuration() -> None:
    assert label_names({"id2label": {"1": "b", "0": "a", "10": "c"}}) == ["a", "b", "c"]
    assert label_names({}) == ["LABEL_0", "LABEL_1"]
    with pytest.raises(ModelUnusable, match="BertForMaskedLM"):
        label_names({"architectures": ["BertForMaskedLM"]})
    with pytest.raises(ModelUnusable, match="damaged"):
        label_names({"id2label": {"x": "a"}})
    with pytest.raises(ModelUnusable, match="damaged"):
        label_names({"id2label": ["a"]})
