"""Finding litmus tests by path, family, name and glob."""

import pytest

from pagefault.errors import LitmusError
from pagefault.lang import Program, catalogue, catalogue_root, format_program, parse, select


@pytest.fixture
def root(tmp_path, around, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "catalogue"
    for name in ("cow/cow+store", "cow/cow+fork", "tlb/tlb+mprotect", "tlb/empty.txt"):
        path = folder / (name if "." in name else f"{name}.litmus")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(around(), encoding="utf-8")
    return folder


def names(entries):
    return [entry.name for entry in entries]


def test_catalogue(root):
    entries = catalogue(root)
    assert names(entries) == ["cow+fork", "cow+store", "tlb+mprotect"]
    assert [entry.family for entry in entries] == ["cow", "cow", "tlb"]
    assert isinstance(entries[0].program, Program)
    assert entries[0].program is entries[0].program
    assert entries[0].program.name == "cow+fork"


def test_a_wrong_file_is_an_error_only_when_it_is_used(root):
    (root / "cow" / "bad.litmus").write_text("?")
    entry = next(entry for entry in catalogue(root) if entry.name == "bad")
    with pytest.raises(LitmusError, match="no header"):
        _ = entry.program


def test_two_files_of_one_name(root):
    (root / "tlb" / "cow+fork.litmus").write_text("")
    with pytest.raises(LitmusError, match="two tests are called cow") as caught:
        catalogue(root)
    assert "a name is unique" in caught.value.hint


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ([], ["cow+fork", "cow+store", "tlb+mprotect"]),
        (["cow"], ["cow+fork", "cow+store"]),
        (["cow/"], ["cow+fork", "cow+store"]),
        (["cow+store"], ["cow+store"]),
        (["cow+store.litmus"], ["cow+store"]),
        (["cow/cow+store"], ["cow+store"]),
        (["*+m*"], ["tlb+mprotect"]),
        (["cow/*"], ["cow+fork", "cow+store"]),
        (["tlb/", "cow+store", "*"], ["tlb+mprotect", "cow+store", "cow+fork"]),
        (["catalogue/tlb"], ["tlb+mprotect"]),
        (["catalogue/cow/cow+fork.litmus", "cow/"], ["cow+fork", "cow+store"]),
    ],
)
def test_select(root, selectors, expected):
    assert names(select(selectors, root)) == expected


def test_a_list_is_in_its_order_and_hides_the_family(root):
    (root / "cow.txt").write_text("# why\ntlb+mprotect  # first\n\ncow+store\n")
    assert names(select(["cow"], root)) == ["tlb+mprotect", "cow+store"]
    assert names(select(["cow/"], root)) == ["cow+fork", "cow+store"]
    assert names(select(["cow", "cow/"], root)) == ["tlb+mprotect", "cow+store", "cow+fork"]


def test_a_folder_without_tests_does_not_hide_a_family(root):
    (root.parent / "cow").mkdir()
    assert names(select(["cow/"], root)) == ["cow+fork", "cow+store"]


def test_a_file_outside_the_catalogue(root, around):
    path = root.parent / "mine.litmus"
    path.write_text(around())
    assert names(select(["mine.litmus"], root)) == ["mine"]


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("cow+stroe", "did you mean cow+store?"),
        ("cwo/", "did you mean cow/?"),
        ("zzz", "families are cow/ tlb/; `pagefault list` shows the tests"),
        ("a\0b", "families are cow/ tlb/; `pagefault list` shows the tests"),
        ("", "families are cow/ tlb/; `pagefault list` shows the tests"),
    ],
)
def test_unknown_selector(root, selector, hint):
    with pytest.raises(LitmusError, match="no test, list, family, file or folder") as caught:
        select([selector], root)
    assert caught.value.hint == hint


def test_the_shipped_catalogue_parses_and_round_trips():
    assert catalogue_root().name == "litmus"
    for entry in catalogue():
        assert parse(format_program(entry.program), entry.path) == entry.program
