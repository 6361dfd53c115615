// Package checks prints one line of JSON for each check, and compares what was found.
package checks

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Report runs work and prints whether it failed.
func Report(name string, work func() error) {
	detail := ""
	if err := work(); err != nil {
		detail = err.Error()
	}
	line, _ := json.Marshal(map[string]any{"name": name, "ok": detail == "", "detail": detail})
	fmt.Println(string(line))
}

// Equal returns an error unless both are written alike.
func Equal(actual, expected any) error {
	if fmt.Sprint(actual) != fmt.Sprint(expected) {
		return fmt.Errorf("%v instead of %v", actual, expected)
	}
	return nil
}

// HasCode returns an error unless err is ClickHouse's exception of that code.
func HasCode(err error, code int32) error {
	var found *clickhouse.Exception
	if !errors.As(err, &found) {
		return fmt.Errorf("no exception of ClickHouse but %v", err)
	}
	return Equal(found.Code, code)
}
