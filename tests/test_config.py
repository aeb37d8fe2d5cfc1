"""The user's defaults: read, written and refused."""

from __future__ import annotations

import pytest

from simclr_tui.config import Config, descriptions, read_config, set_value
from simclr_tui.errors import RecipeError
from simclr_tui.paths import config_path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return tmp_path / "xdg"


def test_without_a_file_everything_is_the_default(home):
    assert read_config() == Config()
    assert not home.exists()
    assert descriptions().keys() == set(Config.__struct_fields__)


def test_the_home_folder_is_taken_where_xdg_names_none(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path() == tmp_path / ".config" / "simclr-tui" / "config.toml"


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("bell", ["yes"], True),
        ("readonly", ["false"], False),
        ("theme", ["nord"], "nord"),
        ("runs", ["~/my runs"], "~/my runs"),
        ("tell", ["failed", "collapsed"], ("failed", "collapsed")),
        ("notify", ["notify-send", "{run} $(reboot)", "{message}"], ("notify-send", "{run} $(reboot)", "{message}")),
        ("webhook", ["https://example.org/x"], "https://example.org/x"),
    ],
)
def test_a_value_is_kept_beside_the_others_and_taken_back(key, words, value):
    set_value("theme", ["gruvbox"])
    assert getattr(set_value(key, words), key) == value
    assert getattr(read_config(), key) == value
    if key != "theme":
        assert read_config().theme == "gruvbox"
    assert getattr(set_value(key, []), key) == getattr(Config(), key)


@pytest.mark.parametrize(
    ("key", "words", "said"),
    [
        ("notfy", ["x"], "did you mean notify"),
        ("bell", ["maybe"], "true or false"),
        ("tell", ["crashed"], "crashed"),
        ("webhook", ["file:///etc/passwd"], "http"),
    ],
)
def test_what_cannot_be_is_refused_and_the_file_stays(key, words, said):
    set_value("theme", ["nord"])
    before = config_path().read_bytes()
    with pytest.raises(RecipeError, match=said):
        set_value(key, words)
    assert config_path().read_bytes() == before


@pytest.mark.parametrize("text", ["x = [", "bell = 3", "thme = 'x'", "bell = true\nbell = true", "\udcff"])
def test_a_damaged_file_is_named(text):
    config_path().parent.mkdir(parents=True)
    config_path().write_text(text, errors="surrogateescape")
    with pytest.raises(RecipeError):
        read_config()
