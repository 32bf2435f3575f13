// Prints a table of a Bigtable emulator as `cbt read` does, with Google's Go client: for machines without cbt.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"cloud.google.com/go/bigtable"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := bigtable.NewClient(ctx, "prj", "inst")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	err = client.Open(os.Args[1]).ReadRows(ctx, bigtable.InfiniteRange(""), func(row bigtable.Row) bool {
		fmt.Println(strings.Repeat("-", 40))
		fmt.Println(row.Key())
		var families []string
		for family := range row {
			families = append(families, family)
		}
		sort.Strings(families)
		for _, family := range families {
			for _, item := range row[family] {
				stamp := time.Unix(0, int64(item.Timestamp)*1e3)
				fmt.Printf("  %-40s @ %s\n", item.Column, stamp.UTC().Format("2006/01/02-15:04:05.000000"))
				fmt.Printf("    %q\n", item.Value)
			}
		}
		return true
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
