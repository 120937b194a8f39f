import sqlite3

from hedgebot.journal.rows import INSERT, from_tuple, insert_many, read_rows, read_runs, to_tuple
from hedgebot.journal.schema import connect_writer
from tests.unit.journal.test_chain import row


def test_a_row_survives_the_database() -> None:
    connection = connect_writer(None)
    rows = [row(row=number, seq=number, client_id="x" if number % 2 else None) for number in range(1, 5)]
    connection.execute(INSERT, to_tuple(rows[0]))
    connection.execute(insert_many(3), [value for one in rows[1:] for value in to_tuple(one)])
    assert list(read_rows(connection)) == rows
    assert list(read_rows(connection, "row > ? AND client_id = ?", (1, "x"))) == [rows[2]]
    assert read_runs(connection) == []
    connection.close()


def test_a_place_is_taken_once() -> None:
    connection = connect_writer(None)
    connection.execute(INSERT, to_tuple(row()))
    try:
        connection.execute(INSERT, to_tuple(row(row=2)))
    except sqlite3.IntegrityError as error:
        refused = str(error)
    else:
        refused = ""
    connection.close()
    assert "rows.seq, rows.idx" in refused


def test_values_of_a_wrong_type_are_read_and_cannot_verify() -> None:
    good = list(to_tuple(row()))
    for place, wrong in ((1, "one"), (6, 7), (8, 9), (9, "{}"), (11, None)):
        bad = [*good[:place], wrong, *good[place + 1 :]]
        assert from_tuple(bad) != row()
