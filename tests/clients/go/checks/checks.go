// Package checks prints one line of JSON for each check.
package checks

import (
	"encoding/json"
	"fmt"
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
