from __future__ import annotations

import json
from pathlib import Path

import pytest

import connectors
from monitor.errors import ConfigError
from monitor.options import Config
from monitor.settings import as_lines, connector_kinds, connector_module, load, read, secrets_of, shown
from monitor.toml_lines import line_of

EXTRA = Path(__file__).parent / "connectors_extra"
CANARY = "kanarik-Žltý/7&x"


@pytest.fixture(autouse=True)
def test_connectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(EXTRA)])


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), environ)
    return caught.value.problems


def test_a_good_file_becomes_typed_options(tmp_path: Path) -> None:
    text = """
[company]
name = "Kvetinárstvo Púpava"
[sources.book]
kind = "guestbook"
url = "https://book.example/x"
interval = 60
own_names = ["Púpava"]
words = ["mokré", "zlomené"]
columns = { text = "obsah" }
"""
    config = load(write(tmp_path, text), {})
    book = config.sources["book"]
    assert (config.company.name, book.name, book.interval, book.own_names) == (
        "Kvetinárstvo Púpava",
        "book",
        60.0,
        ("Púpava",),
    )
    assert type(book).__name__ == "Settings" and book.base == config.base == tmp_path.resolve()
    assert config.service.state == tmp_path.resolve() / "state"


def test_an_empty_file_is_a_configuration_with_a_warning(tmp_path: Path) -> None:
    loaded = read(write(tmp_path, ""), {})
    assert loaded.config == Config(
        base=tmp_path.resolve(),
        service=Config().service.model_copy(update={"state": tmp_path.resolve() / "state"}),
    )
    assert loaded.warnings == (
        "config.toml: sources: no source is set up yet, so there is nothing to read; add a [sources.NAME]",
    )


BOT = f'kind = "telegram"\nusername = "pupava_bot"\ntoken = "123456789:{"a" * 35}"\n'


@pytest.mark.parametrize(
    ("written", "told"),
    [
        # what a whole table wants follows from the variable that is missing, and is not told
        ('kind = "x"\naccess_token = "$NO_TOKEN"', ["x.access_token: set NO_TOKEN in the environment"]),
        ('kind = "appstore"\napp = "1234567890"\ncountries = ["svk"]', ["countries.0: does not", "each: 'sk'"]),
        ('kind = "zbozi"\npremise_id = 1\nrefresh_token = "short"', ["must have at least 8 characters"]),
        (BOT + 'chats = ["@pupava_club", "https://t.me/pupava"]', ["chats: entry 2 is no group; write '@yourgroup'"]),
        (
            'kind = "imap"\nhost = "imap.pupava.example:993"\nuser = "a@b.example"\npassword = "x"',
            ["host: is the server's name alone; its port is an option of its own"],
        ),
        (BOT + f"[sources.again]\n{BOT}", ["sources.again: reads what sources.x reads"]),
    ],
)
def test_a_mistake_is_told_once_and_says_what_to_write(tmp_path: Path, written: str, told: list[str]) -> None:
    [found] = problems(tmp_path, f"[sources.x]\n{written}\n")
    assert all(part in found for part in told), found


def test_a_table_is_wanted_with_the_keys_that_it_needs(tmp_path: Path) -> None:
    assert problems(tmp_path, '[channels]\npages = ["https://pupava.example"]\n') == [
        "config.toml line 2: channels.pages.0: must be a table, e.g. { url = … }, not text"
    ]


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """[compny]
name = "x"
[page]
port = 70000
prot = 1
language = "de"
[drafting]
languages = ["sk", "slovenčina"]
[approval]
people = []
[sources.book]
kind = "guestbook"
url = "ftp://book.example"
intervall = 5
interval = "often"
limit = 0
own_names = "Púpava"
strict = 3
words = ["ok", "x"]
columns = { txt = "obsah" }
[sources.second]
kind = "guestbok"
[sources.third]
url = "https://book.example"
[sources.fourth]
kind = "guestbook"
"""
    assert problems(tmp_path, text) == [
        'config.toml line 1: compny: unknown option; did you mean "company"?',
        "config.toml line 4: page.port: must be a whole number of at least 0 and at most 65535",
        'config.toml line 5: page.prot: unknown option; did you mean "port"?',
        'config.toml line 6: page.language: must be one of "en", "sk", "cs" or "hu"',
        'config.toml line 8: drafting.languages.1: must be a two-letter language code such as "sk"',
        "config.toml line 10: approval.people: must not be empty",
        "config.toml line 13: sources.book.url: must be an address that begins with https:// "
        "(address of the guest book)",
        'config.toml line 14: sources.book.intervall: unknown option; did you mean "interval"?',
        "config.toml line 15: sources.book.interval: must be a number of at least 1 and at most 604800, not text",
        "config.toml line 16: sources.book.limit: must be a whole number of at least 1 and at most 100",
        'config.toml line 17: sources.book.own_names: must be a list, e.g. ["one", "two"], not text',
        "config.toml line 18: sources.book.strict: must be true or false, not a number",
        "config.toml line 19: sources.book.words.1: must have at least 2 characters",
        'config.toml line 20: sources.book.columns.txt: unknown option; did you mean "text"?',
        f'config.toml line 22: sources.second.kind: unknown kind of source; did you mean "guestbook"? '
        f"There are: {', '.join(connector_kinds())}",
        f'config.toml line 23: sources.third.kind: say what reads this source, e.g. kind = "rss"; '
        f"there are: {', '.join(connector_kinds())}",
        "config.toml line 25: sources.fourth.url: is missing (address of the guest book)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[page]\nport = true\n",
            "line 2: page.port: must be a whole number of at least 0 and at most 65535, not true",
        ),
        ("page = 3\n", "line 1: page: must be a table"),
        ("sources = 3\n", "line 1: sources: must be tables"),
        ("[sources]\nbook = 3\n", "line 2: sources.book: must be a table of its own: [sources.book]"),
        ("base = '/'\n", "line 1: base: is set by Ohlas itself; delete this line"),
        (
            "[sources.'my shop']\nkind = 'guestbook'\nurl = 'https://x'\n",
            'line 1: sources."my shop": a source\'s name may hold',
        ),
        ("[sources.b]\nkind='guestbook'\nname='c'\nurl='https://x'\n", "line 3: sources.b.name: is set by Ohlas"),
        ("[sources.leaf]\nkind = 'leaflet'\n", 'line 2: sources.leaf.kind: connectors/leaflet.py has no "Settings"'),
        ("[sources.n]\nkind = 'needy'\n", 'needs the Python package "library_that_nobody_has"'),
        ("[sources.n]\nkind = '../../etc/passwd'\n", "line 2: sources.n.kind: unknown kind of source; there are: "),
        ("[sources.n]\nkind = 'samples'\n", "unknown kind of source"),
        ("[sources.n]\nkind = '__init__'\n", "unknown kind of source"),
    ],
)
def test_one_mistake(tmp_path: Path, text: str, told: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert told in problem


def test_two_sources_may_not_differ_in_capital_letters_only(tmp_path: Path) -> None:
    table = "kind = 'guestbook'\nurl = 'https://x'\n"
    (problem,) = problems(tmp_path, f"[sources.shop]\n{table}[sources.Shop]\n{table}")
    assert "line 4: sources.Shop: another source has this name" in problem


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[page]\nport = \n", "config.toml line 2: is not valid TOML"),
        ("[page]\nhost = [1,\n", "config.toml line 2: is not valid TOML"),
        ("[sources.a]\n[sources.a]\n", "config.toml line 2: this table stands twice"),
        ("[page]\nport = 1\nport = 2\n", "config.toml line 3: this key stands twice"),
        ('[service]\nstate = "C:\\data"\n', "config.toml line 2: a backslash in double quotes needs doubling"),
    ],
)
def test_broken_toml_tells_the_line_and_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(told)


def test_a_file_in_another_encoding_or_with_a_bom(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes("[company]\nname = 'Žltý'\n".encode("windows-1250"))
    with pytest.raises(ConfigError, match="line 2: is not UTF-8; save the file as UTF-8"):
        load(path, {})
    path.write_bytes("[company]\nname = 'Žltý'\n".encode("utf-8-sig"))
    assert load(path, {}).company.name == "Žltý"


def test_a_missing_file_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; .*--config"):
        load(tmp_path / "config.toml", {})
    with pytest.raises(ConfigError, match="is a folder; name the file in it"):
        load(tmp_path, {})


BOOK = "[sources.book]\nkind = 'guestbook'\nurl = 'https://x'\n"


@pytest.mark.parametrize("written", ["$BOOK_TOKEN", "${BOOK_TOKEN}"])
def test_a_secret_comes_from_the_environment(tmp_path: Path, written: str) -> None:
    loaded = read(write(tmp_path, f"{BOOK}token = '{written}'\n"), {"BOOK_TOKEN": CANARY})
    assert secrets_of(loaded.config) == {CANARY}
    assert loaded.warnings == ()


def test_a_secret_comes_from_a_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n", encoding="utf-8")
    config = load(write(tmp_path, f"{BOOK}token = '$T'\n"), {"T_FILE": str(tmp_path / "token")})
    assert secrets_of(config) == {CANARY}


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, "line 4: sources.book.token: set T in the environment, or T_FILE to the path of a file"),
        ({"T": ""}, "set T in the environment"),
        ({"T": "x", "T_FILE": "/y"}, "both T and T_FILE are set in the environment; keep one of them"),
        ({"T_FILE": "/does/not/exist"}, "the file that T_FILE names cannot be read (No such file or directory)"),
        ({"T_FILE": "/dev/null"}, "the file that T_FILE names is empty"),
    ],
)
def test_a_missing_secret_names_the_variable(tmp_path: Path, environ: dict[str, str], told: str) -> None:
    (problem,) = problems(tmp_path, f"{BOOK}token = '$T'\n", **environ)
    assert told in problem


def test_numbers_and_lists_may_come_from_the_environment_too(tmp_path: Path) -> None:
    text = f"{BOOK}limit = '$LIMIT'\nwords = ['$WORD', '$$WORD', '$5 off']\n"
    book = load(write(tmp_path, text), {"LIMIT": "7", "WORD": "mokré"}).sources["book"]
    assert (book.limit, book.words) == (7, ("mokré", "$WORD", "$5 off"))  # type: ignore[attr-defined]


def test_a_secret_in_clear_is_allowed_but_warned_about(tmp_path: Path) -> None:
    text = f"[service]\nmetrics_token = 'in-clear'\n{BOOK}token = 'in-clear'\nbackup_keys = {{ a = 'in-clear' }}\n"
    assert read(write(tmp_path, text), {}).warnings == tuple(
        f'config.toml line {line}: {path}: this secret is written in clear; write "${name}" and set {name} '
        "in the environment"
        for line, path, name in (
            (2, "service.metrics_token", "SERVICE_METRICS_TOKEN"),
            (6, "sources.book.token", "BOOK_TOKEN"),
            (7, "sources.book.backup_keys.a", "BOOK_BACKUP_KEYS_A"),
        )
    )


def test_a_secret_never_shows(tmp_path: Path) -> None:
    text = f"""{BOOK}token = '$T'
backup_keys = {{ a = '$T' }}
own_names = ['seen in https://x/?key=abc123secret&a=1']
[service]
metrics_token = '$T'
"""
    config = load(write(tmp_path, text), {"T": CANARY})
    settings = shown(config)
    printed = json.dumps(settings, ensure_ascii=False) + "\n".join(as_lines(settings)) + repr(config) + str(config)
    assert CANARY not in printed
    assert settings["sources"]["book"]["token"] == "**********"
    assert "?key=**********" in settings["sources"]["book"]["own_names"][0]
    assert "sources.book.token = '**********'" in list(as_lines(settings))


def test_a_mistake_never_shows_the_value(tmp_path: Path) -> None:
    text = f"{BOOK}token = '$T'\nlimit = '$T'\ncents = '$T'\nstrict = '$T'\n[page]\nport = '$T'\nlanguage = '$T'\n"
    told = problems(tmp_path, text, T=CANARY)
    assert len(told) == 5 and CANARY not in "\n".join(told)


def test_a_connector_that_tells_the_value_in_its_own_words_is_masked(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, f"{BOOK}token = '$T'\n", T="old-kanarik")
    assert problem == "config.toml line 1: sources.book: token ********** is of the old kind; make a new one"


def test_our_own_words_are_not_masked(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "[sources.b]\nkind = 'guestbook'\nown_names = ['address of the guest book']\n")
    assert problem.endswith("url: is missing (address of the guest book)")


def test_paths_of_the_service_lie_beside_the_file(tmp_path: Path) -> None:
    text = "[service]\nstate = 'deep/state'\n[drafting]\nplaybooks = '/elsewhere'\n"
    config = load(write(tmp_path, text), {})
    assert config.service.state == tmp_path.resolve() / "deep/state"
    assert config.drafting.playbooks == Path("/elsewhere")


def test_a_connector_is_found_by_name() -> None:
    assert connector_module("guestbook").__name__ == "connectors.guestbook"
    assert {"guestbook"} <= set(connector_kinds()) and "samples" not in connector_kinds()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("page",), 2),
        (("page", "port"), 3),
        (("sources", "a-b", "url"), 5),
        (("sources", "a-b", "kind"), 4),
        (("sources", "a-b", "columns", "text"), 6),
        (("sources", "quoted name", "kind"), 11),
        (("sources", "dotted", "kind"), 13),
        (("list", 0, "x"), 15),
        (("service",), None),
    ],
)
def test_the_line_of_a_key(path: tuple[str | int, ...], line: int | None) -> None:
    text = '''# [page] is below
[page] # here
port = 1
[sources.a-b]
  url = "x = y"
columns = { text = "t" }
note = """
[page]
kind = "not a key"
"""
[sources."quoted name"]
[sources]
dotted.kind = "x"
[[list]]
x = 1
'''
    assert line_of(text, path) == line
