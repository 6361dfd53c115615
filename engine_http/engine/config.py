"""The engine's configuration: server settings, profiles, roles and grants as two XML files.

The engine always signs a connection in as `default`. What a connection may do is decided by the
role and the profile it takes: `owner` holds everything; `analyst` holds SELECT on the analysts'
database, and its profile pins every setting but those an analyst may adjust. Views run as their
definer, so analysts read storage only through views.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from engine_http.engine.connection import TAG
from engine_http.engine.disk import KEEP_FREE_BYTES
from engine_http.statements.limits import Limits

ANALYSTS_DATABASE = "fasttrack"
# Settings without which the engine would return wrong values: a day in 1955 becomes one in 2135.
# Analysts cannot change them; deploy/clickhouse/users.d has the same.
EXACT_SETTINGS = {
    "decimal_check_overflow": "1",
    "date_time_overflow_behavior": "throw",
    "enable_extended_results_for_datetime_functions": "1",
}
# How many times its largest part a merge must be in all. With ClickHouse's default of 5, a row was
# rewritten 3.8 times within half a minute at 50,000 events a second; with 10 it is 1.8 times, and
# the engine needs a tenth less CPU. Queries then read a few more parts.
MERGE_BASE = 10

# The pools are a server's, sized for one machine that also runs a broker and workers.
_SERVER = """<clickhouse>
<users_config>{users}</users_config>
<tmp_path>{data_dir}/tmp</tmp_path>
<storage_configuration><disks><default>
  <keep_free_space_bytes>{keep_free}</keep_free_space_bytes>
</default></disks></storage_configuration>
<merge_tree><merge_selector_base>{merge_base}</merge_selector_base></merge_tree>
<format_schema_path>{data_dir}/format_schemas</format_schema_path>
<max_server_memory_usage>{memory}</max_server_memory_usage>
<mark_cache_size>{mark_cache}</mark_cache_size>
<background_pool_size>{merges}</background_pool_size>
<background_move_pool_size>1</background_move_pool_size>
<background_fetches_pool_size>1</background_fetches_pool_size>
<background_common_pool_size>2</background_common_pool_size>
<background_schedule_pool_size>4</background_schedule_pool_size>
<background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
<background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
<ignore_empty_sql_security_in_create_view_query>0</ignore_empty_sql_security_in_create_view_query>
</clickhouse>
"""
_USERS = """<clickhouse>
<profiles>
  <default>{exact}</default>
  <analyst>{exact}<constraints>
{constraints}
  </constraints></analyst>
  <analyst_trial>{exact}<constraints>
{trial_constraints}
  </constraints></analyst_trial>
</profiles>
<quotas><default></default></quotas>
<roles>
  <owner><grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants></owner>
  <analyst><grants><query>GRANT SELECT, SHOW ON {database}.*</query></grants></analyst>
</roles>
<users><default>
  <password></password>
  <networks><ip>::/0</ip></networks>
  <profile>default</profile>
  <quota>default</quota>
  <grants><query>GRANT owner</query><query>GRANT analyst</query></grants>
</default></users>
</clickhouse>
"""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Where the engine keeps its data and how much of the machine it may use."""

    data_dir: Path
    memory_limit_bytes: int
    cores: int

    @property
    def analyst_limits(self) -> Limits:
        """An analyst's share: an eighth of the memory and half of the cores per statement."""
        return Limits(
            memory_bytes=max(self.memory_limit_bytes // 8, 64 << 20),
            threads=max(self.cores // 2, 1),
        )


def write(settings: EngineSettings, setting_names: Iterable[str]) -> Path:
    """Write both files below the data directory and return the path of the main one.

    *setting_names* are all settings this engine knows: each that is not an analyst's is pinned.
    """
    directory = settings.data_dir / "config"
    directory.mkdir(mode=0o700, exist_ok=True)
    users = directory / "users.xml"
    limits, names = settings.analyst_limits, list(setting_names)
    exact = "".join(f"<{name}>{value}</{name}>" for name, value in EXACT_SETTINGS.items())
    users.write_text(
        _USERS.format(
            exact=exact,
            constraints=_constraints(limits, names),
            trial_constraints=_constraints(limits.for_trial(), names),
            database=ANALYSTS_DATABASE,
        )
    )
    main = directory / "config.xml"
    main.write_text(
        _SERVER.format(
            users=escape(str(users)),
            data_dir=escape(str(settings.data_dir)),
            keep_free=KEEP_FREE_BYTES,
            memory=settings.memory_limit_bytes,
            mark_cache=settings.memory_limit_bytes // 32,
            merges=max(settings.cores, 2),
            merge_base=MERGE_BASE,
        )
    )
    return main


def _constraints(limits: Limits, setting_names: Iterable[str]) -> str:
    capped = limits.capped()
    lines = [
        f"<{name}><min>1</min><max>{maximum}</max></{name}>" for name, maximum in capped.items()
    ]
    # Analysts may set it, as some clients make themselves read-only; the role decides about writes.
    lines.append("<readonly><min>0</min><max>2</max></readonly>")
    # Only this process sets a statement's tag, but it does so under the analyst's profile.
    lines += [
        f"<{name}><readonly/></{name}>"
        for name in setting_names
        if not limits.may_set(name) and name != TAG
    ]
    return "\n".join(lines)
