// clickhouse-go over HTTP and through database/sql, with its default settings.
//
// Arguments: the port and the user. It prints one line of JSON for each check.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"
	"railhead/clients/checks"
)

const amount = "1234567890123.000000000000000001"

var (
	port = os.Args[1]
	user = os.Args[2]
	ctx  = context.Background()
)

func options() *clickhouse.Options {
	return &clickhouse.Options{
		Addr:     []string{"127.0.0.1:" + port},
		Protocol: clickhouse.HTTP,
		Auth:     clickhouse.Auth{Username: user, Database: "fasttrack"},
	}
}

// readAll reads every row of every view, scanned as the driver proposes.
func readAll(conn driver.Conn) error {
	var views []struct {
		Name string `ch:"name"`
	}
	if err := conn.Select(ctx, &views, "SELECT name FROM system.tables WHERE database = 'fasttrack'"); err != nil {
		return err
	}
	if len(views) < 17 {
		return fmt.Errorf("only %d views", len(views))
	}
	for _, view := range views {
		if err := readView(conn, view.Name); err != nil {
			return fmt.Errorf("%s: %w", view.Name, err)
		}
	}
	return nil
}

func readView(conn driver.Conn, name string) error {
	rows, err := conn.Query(ctx, "SELECT * FROM fasttrack."+name)
	if err != nil {
		return err
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		columns := make([]any, len(rows.Columns()))
		for at, kind := range rows.ColumnTypes() {
			columns[at] = reflect.New(kind.ScanType()).Interface()
		}
		if err := rows.Scan(columns...); err != nil {
			return err
		}
		count++
	}
	if count == 0 && rows.Err() == nil {
		return errors.New("no rows")
	}
	return rows.Err()
}

func overDriver(conn driver.Conn) {
	checks.Report("clickhouse.Open: connect", func() error { return conn.Ping(ctx) })
	checks.Report("clickhouse.Open: the server's version", func() error {
		_, err := conn.ServerVersion()
		return err
	})
	checks.Report("clickhouse.Open: every view", func() error { return readAll(conn) })
	checks.Report("clickhouse.Open: exact amounts", func() error {
		var found decimal.Decimal
		if err := conn.QueryRow(ctx, "SELECT amount FROM casino LIMIT 1").Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found.String(), amount)
	})
	checks.Report("clickhouse.Open: times of a zone", func() error {
		var found time.Time
		row := conn.QueryRow(ctx, "SELECT toDateTime('2025-07-01 12:00:00', 'Europe/Malta')")
		if err := row.Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found.Format(time.RFC3339), "2025-07-01T12:00:00+02:00")
	})
	checks.Report("clickhouse.Open: parameters of the server", func() error {
		var found string
		named := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"s": "it's"}))
		if err := conn.QueryRow(named, "SELECT {s:String}").Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found, "it's")
	})
	checks.Report("clickhouse.Open: parameters of the client", func() error {
		var found uint64
		query := "SELECT count() FROM casino WHERE timestamp >= @since AND tenant = @tenant"
		since := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		row := conn.QueryRow(ctx, query, clickhouse.Named("since", since), clickhouse.Named("tenant", "acme"))
		if err := row.Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found, 240)
	})
	checks.Report("clickhouse.Open: settings and a query id", func() error {
		var found string
		with := clickhouse.Context(ctx,
			clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 60, "join_use_nulls": 1}),
			clickhouse.WithQueryID(fmt.Sprintf("go-%s-%d", user, time.Now().UnixNano())))
		row := conn.QueryRow(with, "SELECT toString(getSetting('join_use_nulls'))")
		if err := row.Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found, "true")
	})
	checks.Report("clickhouse.Open: a large result", func() error {
		rows, err := conn.Query(ctx, "SELECT number, toString(number) FROM numbers(500000)")
		if err != nil {
			return err
		}
		defer rows.Close()
		count := 0
		for rows.Next() {
			count++
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return checks.Equal(count, 500000)
	})
	checks.Report("clickhouse.Open: an error in the middle of a result", func() error {
		rows, err := conn.Query(ctx, "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 1000")
		if err != nil {
			return checks.HasCode(err, 395)
		}
		defer rows.Close()
		for rows.Next() {
		}
		if rows.Err() == nil {
			return errors.New("the result looks complete")
		}
		return nil
	})
	checks.Report("clickhouse.Open: an error has its code", func() error {
		return checks.HasCode(conn.Exec(ctx, "SELECT * FROM fasttrack.nothing"), 60)
	})
	checks.Report("clickhouse.Open: a statement ends with its context", func() error {
		short, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		err := conn.Exec(short, "SELECT sum(sipHash64(number)) FROM numbers(100000000000)")
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%v", err)
		}
		return nil
	})
	checks.Report("clickhouse.Open: an insert as a batch", func() error { return insert(conn) })
}

func insert(conn driver.Conn) error {
	if user != "default" {
		return checks.HasCode(conn.Exec(ctx, "INSERT INTO default.go_client VALUES (1, 1)"), 497)
	}
	create := "CREATE OR REPLACE TABLE default.go_client (id UInt32, amount Decimal(76, 18)) ORDER BY id"
	if err := conn.Exec(ctx, create); err != nil {
		return err
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO default.go_client")
	if err != nil {
		return err
	}
	one, _ := decimal.NewFromString(amount)
	if err := batch.Append(uint32(1), one); err != nil {
		return err
	}
	if err := batch.Send(); err != nil {
		return err
	}
	var found decimal.Decimal
	if err := conn.QueryRow(ctx, "SELECT amount FROM default.go_client").Scan(&found); err != nil {
		return err
	}
	if err := conn.Exec(ctx, "DROP TABLE default.go_client SYNC"); err != nil {
		return err
	}
	return checks.Equal(found.String(), amount)
}

func overSQL(db *sql.DB, opened string) {
	checks.Report(opened+": connect", db.Ping)
	checks.Report(opened+": column types", func() error {
		rows, err := db.Query("SELECT * FROM fasttrack.player_timeline LIMIT 5")
		if err != nil {
			return err
		}
		defer rows.Close()
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		for _, one := range types {
			if one.DatabaseTypeName() == "" {
				return fmt.Errorf("%s has no type", one.Name())
			}
		}
		return nil
	})
	checks.Report(opened+": exact amounts", func() error {
		var found decimal.Decimal
		if err := db.QueryRow("SELECT amount FROM fasttrack.casino LIMIT 1").Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found.String(), amount)
	})
	checks.Report(opened+": positional parameters", func() error {
		var found int
		query := "SELECT count() FROM fasttrack.casino WHERE tenant = ? AND user_id IN (?)"
		if err := db.QueryRow(query, "acme", []string{"user-1"}).Scan(&found); err != nil {
			return err
		}
		return checks.Equal(found > 0, true)
	})
	checks.Report(opened+": an error has its code", func() error {
		_, err := db.Exec("SELECT * FROM fasttrack.nothing")
		return checks.HasCode(err, 60)
	})
	checks.Report(opened+": an insert in a transaction", func() error { return insertSQL(db) })
}

func insertSQL(db *sql.DB) error {
	if user != "default" {
		_, err := db.Exec("INSERT INTO default.go_sql VALUES (1)")
		return checks.HasCode(err, 497)
	}
	if _, err := db.Exec("CREATE OR REPLACE TABLE default.go_sql (id UInt32) ORDER BY id"); err != nil {
		return err
	}
	scope, err := db.Begin()
	if err != nil {
		return err
	}
	batch, err := scope.Prepare("INSERT INTO default.go_sql")
	if err != nil {
		return err
	}
	if _, err := batch.Exec(uint32(7)); err != nil {
		return err
	}
	if err := scope.Commit(); err != nil {
		return err
	}
	var found int
	if err := db.QueryRow("SELECT sum(id) FROM default.go_sql").Scan(&found); err != nil {
		return err
	}
	if _, err := db.Exec("DROP TABLE default.go_sql SYNC"); err != nil {
		return err
	}
	return checks.Equal(found, 7)
}

func main() {
	conn, err := clickhouse.Open(options())
	if err != nil {
		panic(err)
	}
	overDriver(conn)
	overSQL(clickhouse.OpenDB(options()), "database/sql by OpenDB")
	address := fmt.Sprintf("http://%s@127.0.0.1:%s/fasttrack", user, port)
	byAddress, err := sql.Open("clickhouse", address)
	if err != nil {
		panic(err)
	}
	overSQL(byAddress, "database/sql by address")
}
