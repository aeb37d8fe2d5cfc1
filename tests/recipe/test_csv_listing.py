"""Tables of images as people write them: how each is read, and what is said of the rest of it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from simclr_tui.errors import DataError
from simclr_tui.recipe.csv_listing import csv_layout
from simclr_tui.recipe.reading import Reading

IMAGES = 12


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "im").mkdir()
    (tmp_path / "sub").mkdir()
    for number in range(IMAGES):
        (tmp_path / "im" / f"{number}.png").write_bytes(b"")  # which the listing does not look into
    return tmp_path


def table(folder: Path, head: str, row: str, *, before: str = "") -> Path:
    """Write a table whose row of each image is `row`, filled in with its number and its letter, a or b."""
    rows = (row.format(number=number, letter="ab"[number % 2]) for number in range(IMAGES))
    (folder / "d.csv").write_text(before + "\n".join([head, *rows]))
    return folder / "d.csv"


def test_a_path_that_goes_up_and_down_is_that_of_the_same_image(folder):
    file = table(folder, "path,label", "sub/../im/{number}.png,{letter}")
    file.write_text(file.read_text() + f"\nim/0.png,a\n{folder}/im/../im/1.png,b")
    layout = csv_layout(file)
    assert layout.train.names == tuple(sorted(f"im/{number}.png" for number in range(IMAGES)))
    assert layout.left_out == ("left out: 2 rows that repeat another (im/0.png, im/1.png)",)


def test_a_path_up_from_a_linked_folder_is_left_as_it_is(folder):
    (folder / "far" / "away").mkdir(parents=True)
    (folder / "far" / "0.png").write_bytes(b"another image")
    (folder / "link").symlink_to(folder / "far" / "away")
    (folder / "0.png").write_bytes(b"")
    (folder / "d.csv").write_text("path,label\nlink/../0.png,a\n0.png,b")
    assert csv_layout(folder / "d.csv").train.names == ("0.png", "link/../0.png")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_line_in_which_a_spreadsheet_says_its_delimiter_is_no_header(folder, delimiter):
    row = delimiter.join(["im/{number}.png", "{letter}"])
    layout = csv_layout(table(folder, f"path{delimiter}label", row, before=f"sep={delimiter}\r\n"))
    assert (layout.classes, len(layout.train)) == (("a", "b"), IMAGES)


def test_of_several_test_splits_the_first_that_is_labelled_is_tested_on(folder):
    file = folder / "d.csv"
    words, labels = ("train", "val", "test", "Dev"), ("a", "b", "", "a")
    rows = (f"im/{n}.png,{labels[n % 4] and 'ab'[n // 4 % 2]},{words[n % 4]}" for n in range(IMAGES))
    file.write_text("path,label,split\n" + "\n".join(rows))
    layout = csv_layout(file)
    assert layout.test.names == ("im/1.png", "im/5.png", "im/9.png")
    assert [sentence.partition(" (")[0] for sentence in layout.left_out] == [
        "left out: 3 images of the split test",
        "left out: 3 images of the split dev",
    ]


@pytest.mark.parametrize("unknown", ["nan", "NA", "None", "-1", ""])
def test_a_group_that_says_nothing_is_none(folder, unknown):
    layout = csv_layout(table(folder, "path,label,patient", "im/{number}.png,{letter}," + unknown))
    assert layout.train.groups == ()


def test_columns_that_are_not_read_are_named_and_a_table_without_labels_says_so(folder):
    layout = csv_layout(table(folder, "path,cat,dog,", "im/{number}.png,1,0,"))
    assert layout.notes == ("no labels",)
    assert layout.left_out == ("left out: 2 columns that are not read (cat, dog)",)


def test_the_y_of_coordinates_is_no_label(folder):
    assert csv_layout(table(folder, "path,x,y", "im/{number}.png,{number},{number}")).classes == ()
    assert csv_layout(table(folder, "path,y", "im/{number}.png,{letter}")).classes == ("a", "b")


def test_whole_numbers_and_names_with_a_point_are_classes(folder):
    assert csv_layout(table(folder, "path,label", "im/{number}.png,{number}.0")).classes[1] == "1.0"
    assert csv_layout(table(folder, "path,label", "im/{number}.png,v{number}.5")).classes[1] == "v1.5"
    (folder / "d.csv").write_text("path,label\nim/0.png,1\nim/1.png,2.5\nim/2.png,other")
    assert csv_layout(folder / "d.csv").classes == ("2.5", "other", "1")


def test_labels_none_and_folder_hold_whatever_the_label_column_says(folder):
    file = table(folder, "path,label", 'im/{number}.png,"{number},5"')
    assert csv_layout(file, Reading(labels="none")).classes == ()
    with pytest.raises(DataError, match="lists the images of one folder"):
        csv_layout(file, Reading(labels="folder"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("path,label\nim/0.png,1\nim/1.png,2.5\nim/2.png,3", r"the label column holds measurements \(1, 2\.5, 3\)"),
        ("path;label\nim/0.png;0,5\nim/1.png;1,5", r"the label column holds measurements \(0,5"),
        (
            "path\nim/0.png\nd.csv",
            r"lists files of no kind that is read: 1 of 2 \(d.csv\) — convert them to TIFF or PNG",
        ),
        (b"PK\3\4" + bytes(40), "is a spreadsheet or compressed — save it as CSV, in UTF-8"),
        # gzip's header holds the time, which would name the test anew in every process that collects it
        (gzip.compress(b"path,label\n", mtime=0), "is a spreadsheet or compressed"),
        ("path,label\nim/0.png,a".encode("utf-16"), "is not UTF-8 — save the table as UTF-8"),
    ],
)
def test_what_is_no_table_of_classes_is_refused_in_one_sentence(folder, content, words):
    file = folder / "d.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=words):
        csv_layout(file)


def test_every_kind_of_trouble_that_rows_have_is_told_at_once_with_its_count_and_first_names(folder):
    rows = [
        "im/0.png,a,train", "", ",b,train", "im/1.png,a,often", "im/0.png,b,train", "im/2.png,a,never", ",c,test",
        "lost.png,a,train", "im/3.png,big, round,train", "im/0.png,c,train", "d.csv,a,train", '"im/4.png","a",train',
    ]  # fmt: skip
    (folder / "d.csv").write_text("path,label,split\n" + "\n".join(rows))
    with pytest.raises(DataError) as refused:
        csv_layout(folder / "d.csv")
    head, *told = re.split(r": (?=d.csv)|; (?=d.csv)", str(refused.value))
    assert head == "d.csv is refused for 6 reasons"
    assert [sentence.partition(" — ")[0] for sentence in told] == [
        "d.csv, row 4: no path (and 1 more: row 8)",  # a row that is empty counts, as it does in a spreadsheet
        "d.csv, row 5: im/1.png has the unknown split 'often' (and 1 more: row 7: im/2.png)",
        "d.csv, row 6: im/0.png was already listed with other values (and 1 more: row 11: im/0.png)",
        "d.csv, row 10: 4 cells under 3 names of columns",
        "d.csv lists files that do not exist: 1 of 4 (lost.png)",
        "d.csv lists files of no kind that is read: 1 of 4 (d.csv)",
    ]


def test_rows_are_counted_as_the_file_has_them_after_a_line_that_names_the_delimiter(folder):
    (folder / "d.csv").write_text("sep=;\npath;label\nim/0.png;a\n;b\n")
    with pytest.raises(DataError, match=r"d\.csv, row 4: no path"):
        csv_layout(folder / "d.csv")
