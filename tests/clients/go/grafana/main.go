// The requests of Grafana's ClickHouse data source, by the driver and options it uses.
//
// The data source opens clickhouse-go's database/sql over HTTP with gzip; panels come with their macros
// expanded. Arguments: the port and the user. It prints one line of JSON for each check.
package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"railhead/clients/checks"
)

const (
	from     = "1736467200"
	to       = "1737072000"
	interval = "3600"
	day      = "'2025-01-10'"
	lastDay  = "'2025-01-17'"
)

// The macros of the data source that the panels below use.
var macros = strings.NewReplacer(
	"$__timeFilter(timestamp)", "timestamp >= toDateTime("+from+") AND timestamp <= toDateTime("+to+")",
	"$__timeFilter_ms(timestamp)",
	"timestamp >= fromUnixTimestamp64Milli("+from+"000) AND timestamp <= fromUnixTimestamp64Milli("+to+"000)",
	"$__dateFilter(day)", "day >= toDate("+day+") AND day <= toDate("+lastDay+")",
	"$__timeInterval_ms(timestamp)", "toStartOfInterval(toDateTime64(timestamp, 3), INTERVAL "+interval+"000 millisecond)",
	"$__timeInterval(timestamp)", "toStartOfInterval(toDateTime(timestamp), INTERVAL "+interval+" second)",
	"$__interval_s", interval,
	"$__fromTime", "toDateTime("+from+")",
	"$__toTime", "toDateTime("+to+")",
)

type request struct{ name, text string }

// What the data source asks for itself: when it is saved, and in the editor of a query.
var editor = []request{
	{"version", "SELECT version()"},
	{"databases", "SHOW DATABASES"},
	{"views", `SHOW TABLES FROM "fasttrack"`},
	{"columns of a view", `DESC TABLE "fasttrack"."casino"`},
	{"columns for filters", "SELECT name, type, table FROM system.columns WHERE database IN ('fasttrack')"},
	{"columns of one view for filters",
		"SELECT name, type, table FROM system.columns WHERE database IN ('fasttrack') AND table = 'casino'"},
	{"values of a filter", "SELECT DISTINCT `currency` FROM `fasttrack`.`casino` WHERE `currency` IS NOT NULL LIMIT 1000"},
	{"values of a variable", "SELECT DISTINCT tenant FROM fasttrack.casino ORDER BY tenant"},
	{"uptime", "SELECT uptime() as uptime"},
	{"number of views", `SELECT count() as "Number of tables" FROM system.tables WHERE database IN ('fasttrack')`},
}

var panels = []request{
	{"1, GGR by hour", "SELECT $__timeInterval(timestamp) AS time, sumIf(amount, type = 'bet') - sumIf(amount, type = 'win') AS ggr FROM fasttrack.casino WHERE $__timeFilter(timestamp) GROUP BY time ORDER BY time ASC LIMIT 100000"},
	{"2, bets by currency", "SELECT $__timeInterval(timestamp) AS time, currency, toFloat64(sum(amount)) AS bets FROM fasttrack.casino WHERE $__timeFilter(timestamp) AND type = 'bet' GROUP BY time, currency ORDER BY time"},
	{"3, events in milliseconds", "SELECT $__timeInterval_ms(timestamp) AS time, count() AS events FROM fasttrack.casino WHERE $__timeFilter_ms(timestamp) GROUP BY time ORDER BY time"},
	{"4, GGR by day", "SELECT day AS time, sum(ggr) AS ggr FROM fasttrack.ggr_daily WHERE $__dateFilter(day) AND currency = 'EUR' GROUP BY time ORDER BY time"},
	{"5, best games", "SELECT game_id, ggr, rounds, players FROM fasttrack.ggr_daily WHERE $__dateFilter(day) ORDER BY ggr DESC LIMIT 10"},
	{"6, active players", "SELECT day, casino_players FROM fasttrack.active_players_daily WHERE $__dateFilter(day) ORDER BY day"},
	{"7, deposits and withdrawals", "SELECT * FROM fasttrack.deposits_withdrawals_daily WHERE $__dateFilter(day) ORDER BY day"},
	{"8, game rounds", "SELECT * FROM fasttrack.ggr_gameround_daily WHERE $__dateFilter(day) ORDER BY day"},
	{"9, sports", "SELECT * FROM fasttrack.sports_daily WHERE $__dateFilter(day) ORDER BY day"},
	{"10, legs by sport", "SELECT sports_name, is_live, count() AS legs, uniqExact(user_id) AS players FROM fasttrack.sports_bet_legs WHERE $__timeFilter(timestamp) GROUP BY ALL ORDER BY legs DESC"},
	{"11, logins a second", "SELECT $__timeInterval(timestamp) AS time, count() / $__interval_s AS rate FROM fasttrack.login WHERE $__timeFilter(timestamp) GROUP BY time ORDER BY time WITH FILL STEP $__interval_s"},
	{"12, registrations", "SELECT count() AS registrations FROM fasttrack.registration WHERE timestamp >= $__fromTime AND timestamp <= $__toTime"},
	{"13, a player as logs", "SELECT timestamp AS \"timestamp\", toJSONString(tuple(*)) AS \"body\" FROM fasttrack.player_timeline WHERE $__timeFilter(timestamp) AND user_id = 'user-1' ORDER BY timestamp DESC LIMIT 1000"},
	{"14, rejected by reason", "SELECT event, reason, field, count() AS n FROM fasttrack.rejected GROUP BY ALL ORDER BY n DESC"},
	{"15, conflicts", "SELECT * FROM fasttrack.conflicts LIMIT 100"},
	{"16, quantiles of stakes", "SELECT $__timeInterval(timestamp) AS time, quantile(0.5)(toFloat64(amount)) AS p50, quantile(0.99)(toFloat64(amount)) AS p99 FROM fasttrack.casino WHERE $__timeFilter(timestamp) GROUP BY time ORDER BY time SETTINGS max_execution_time = 3600"},
}

func open() *sql.DB {
	return clickhouse.OpenDB(&clickhouse.Options{
		Addr:        []string{"127.0.0.1:" + os.Args[1]},
		Auth:        clickhouse.Auth{Username: os.Args[2]},
		Protocol:    clickhouse.HTTP,
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionGZIP},
		DialTimeout: 10 * time.Second,
		ReadTimeout: 60 * time.Second,
		Settings:    clickhouse.Settings{},
	})
}

func read(db *sql.DB, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rows, err := db.QueryContext(ctx, macros.Replace(text))
	if err != nil {
		return err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	count := 0
	for ; rows.Next(); count++ {
		values := make([]any, len(types))
		for at, one := range types {
			values[at] = reflect.New(one.ScanType()).Interface()
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
	}
	if count == 0 && rows.Err() == nil {
		return errors.New("no rows")
	}
	return rows.Err()
}

func main() {
	db := open()
	defer db.Close()
	checks.Report("the data source is saved and tested", db.Ping)
	for _, one := range editor {
		checks.Report("editor: "+one.name, func() error { return read(db, one.text) })
	}
	for _, one := range panels {
		checks.Report("panel "+one.name, func() error { return read(db, one.text) })
	}
	checks.Report("a panel's error is shown", func() error {
		return checks.HasCode(read(db, "SELECT * FROM fasttrack.nothing"), 60)
	})
}
