"""How is the engine configured? Its server settings, profile, roles and grants as two XML files.

The engine always signs a connection in as `default`. What a connection may do is decided by the
role it takes (`SET ROLE`): `owner` holds everything, `analyst` holds SELECT on the analysts'
database. Views run as their definer, so analysts read storage only through views.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ANALYSTS_DATABASE = "fasttrack"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where the engine keeps its data and how much of the machine it may use."""

    data_dir: Path
    memory_limit_bytes: int
    cores: int


def write(settings: EngineSettings) -> Path:
    """Write both files below the data directory and return the path of the main one."""
    directory = settings.data_dir / "config"
    directory.mkdir(mode=0o700, exist_ok=True)
    users = directory / "users.xml"
    users.write_text(_users_xml())
    main = directory / "config.xml"
    main.write_text(_server_xml(settings, users))
    return main


def _server_xml(settings: EngineSettings, users: Path) -> str:
    # Merges share the cores with inserts: few at a time, and none so big that it starves them.
    pool = max(2, settings.cores)
    values = {
        "users_config": users,
        "tmp_path": settings.data_dir / "tmp",
        "format_schema_path": settings.data_dir / "format_schemas",
        "max_server_memory_usage": settings.memory_limit_bytes,
        "background_pool_size": pool,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "background_common_pool_size": 2,
        "background_schedule_pool_size": 4,
        "background_message_broker_schedule_pool_size": 1,
        "background_distributed_schedule_pool_size": 1,
        "mark_cache_size": 64 << 20,
    }
    lines = [f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items()]
    merge_tree = (
        "<merge_tree>"
        "<number_of_free_entries_in_pool_to_lower_max_size_of_merge>1"
        "</number_of_free_entries_in_pool_to_lower_max_size_of_merge>"
        "<number_of_free_entries_in_pool_to_execute_mutation>1"
        "</number_of_free_entries_in_pool_to_execute_mutation>"
        "<number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1"
        "</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>"
        "</merge_tree>"
    )
    return "\n".join(["<clickhouse>", *lines, merge_tree, "</clickhouse>", ""])


def _users_xml() -> str:
    return f"""<clickhouse>
<profiles><default></default></profiles>
<quotas><default></default></quotas>
<roles>
  <owner><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></owner>
  <analyst><grants><query>GRANT SELECT, SHOW ON {ANALYSTS_DATABASE}.*</query></grants></analyst>
</roles>
<users><default>
  <password></password>
  <networks><ip>127.0.0.1</ip><ip>::1</ip><ip>::/0</ip></networks>
  <profile>default</profile>
  <quota>default</quota>
  <grants><query>GRANT owner</query><query>GRANT analyst</query></grants>
</default></users>
</clickhouse>
"""
