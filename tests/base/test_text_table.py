"""Tables as text."""

from mockserver.base.text_table import table_lines


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """The last one is not filled up, and no line ends with blanks."""
    rows = [("id", "code", "note"), ("activated", "", "a long note"), ("x", "4400", "")]
    assert [*table_lines(rows)] == ["id         code  note", "activated        a long note", "x          4400"]
