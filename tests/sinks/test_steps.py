"""How the .sql files are read."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from sinks.steps import Step, parse, read_steps

FILE = """-- about the file

-- step: one
CREATE TABLE a /*on cluster*/ (x Int8 COMMENT 'a -- step')
ENGINE = /*replicated*/MergeTree;

-- about the second
-- step: two
SELECT 1
"""


def test_a_step_is_one_statement_without_its_semicolon() -> None:
    """Comments before a step belong to no statement."""
    assert parse("0001", FILE) == [
        Step(
            "0001/one",
            "CREATE TABLE a /*on cluster*/ (x Int8 COMMENT 'a -- step')\n"
            "ENGINE = /*replicated*/MergeTree",
        ),
        Step("0001/two", "SELECT 1"),
    ]


def test_a_cluster_fills_in_both_marks() -> None:
    """Without a cluster the statement stays as it stands."""
    step = parse("0001", FILE)[0]

    assert step.for_cluster("") == step.sql
    assert step.for_cluster("main").startswith("CREATE TABLE a ON CLUSTER 'main' (")
    assert "ENGINE = ReplicatedMergeTree" in step.for_cluster("main")


def test_the_checksum_is_the_statements_whatever_the_comments() -> None:
    """Explaining a step better is no edit of it."""
    reworded = parse("0001", FILE.replace("about the second", "in other words"))

    assert [step.checksum for step in reworded] == [step.checksum for step in parse("0001", FILE)]


@pytest.mark.parametrize("text", ["SELECT 1", "", FILE + "-- step: two\nSELECT 2\n"])
def test_a_file_without_steps_or_with_a_name_twice_is_refused(text: str) -> None:
    """A statement that is not seen would never run."""
    with pytest.raises(ValueError, match="needs steps"):
        parse("0001", text)


@pytest.mark.parametrize("package", ["sinks.migrations", "sinks.views"])
def test_every_table_and_view_is_made_for_a_cluster_too(package: str) -> None:
    """Each CREATE carries the mark; each engine of a table too."""
    for step in read_steps(package):
        sql = step.for_cluster("main")

        assert "ON CLUSTER 'main'" in sql, step.name
        assert ("ENGINE" in sql) == ("ENGINE = Replicated" in sql), step.name


@pytest.mark.parametrize("package", ["sinks.migrations", "sinks.views"])
def test_every_statement_for_a_cluster_parses(sql: Client, package: str) -> None:
    """The marks stand where the grammar has ON CLUSTER and the engine."""
    question = "SELECT isNotNull(formatQueryOrNull({statement:String}))"
    for step in read_steps(package):
        answer = sql.query(question, parameters={"statement": step.for_cluster("main")})

        assert answer.result_rows[0][0], step.name
