// A host in Go: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
//
//	CGO_CFLAGS=-I.../include CGO_LDFLAGS="-LFOLDER -lopnode -Wl,-rpath,FOLDER" go build -o host .
//	OPNODE_CONNECTION='{"connector": ..., "values": {...}}' ./host
//
// opnode.go beside it is the binding; copy it into your project.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
)

const (
	query     = `{"method":"query","operationId":"getSystemMembers"}`
	longQuery = `{"method":"query","operationId":"getSystemMembers","batch":{"items":1}}`
	write     = `{"method":"mutate","operationId":"patchSystemMembersById","items":
		[{"id":7,"title":"Technician"},{"id":999999,"title":"Technician"},{"id":8,"title":"Technician"}]}`
)

type outcome struct {
	Index  int
	Status string
	Error  *struct{ Kind string }
}

type report struct {
	State   string
	Receipt struct {
		Pages, Items int
		Complete     bool
	}
}

func showPage(number int, batch []byte) {
	var items []struct{ Identifier string }
	must(json.Unmarshal(batch, &items))
	fmt.Printf("  page %d: %d items, the first is %s\n", number, len(items), items[0].Identifier)
}

func showOutcomes(_ int, batch []byte) {
	var outcomes []outcome
	must(json.Unmarshal(batch, &outcomes))
	for _, o := range outcomes {
		kind := ""
		if o.Error != nil {
			kind = " (" + o.Error.Kind + ")"
		}
		fmt.Printf("  item %d: %s%s\n", o.Index, o.Status, kind)
	}
}

// run shows the batches of an operation and gives its report, which is there after a failure too.
func run(ctx context.Context, connection *Connection, request string, show func(int, []byte), batchesMax int) (told report) {
	operation, err := connection.Start(request)
	must(err)
	defer operation.Free()
	ended := "done"
	for number := 1; ; number++ {
		batch, err := operation.Next(ctx)
		var failure *Error
		if errors.As(err, &failure) {
			ended = failure.Name // failure.Error() is a text for users, failure.JSON has all details
			break
		}
		if batch == nil {
			break
		}
		if number <= batchesMax {
			show(number, batch)
		}
		if number == batchesMax {
			operation.Cancel()
		}
	}
	fmt.Printf("  ended: %s\n", ended)
	text, err := operation.Report()
	must(err)
	must(json.Unmarshal(text, &told))
	return told
}

func main() {
	// Ctrl-C ends the context, and with it the running operation.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	engine, err := NewEngine("{}")
	must(err)
	connection, err := engine.Open(os.Getenv("OPNODE_CONNECTION"))
	must(err)

	fmt.Println("templates")
	text, err := engine.Templates("connectwise-manage", `{"text":"members","limit":3}`)
	must(err)
	var templates []struct{ Template, Title string }
	must(json.Unmarshal(text, &templates))
	for _, t := range templates {
		fmt.Printf("  %s: %s\n", t.Template, t.Title)
	}

	fmt.Println("query")
	told := run(ctx, connection, query, showPage, 1<<30)
	fmt.Printf("  pages: %d\n  items: %d\n  complete: %t\n", told.Receipt.Pages, told.Receipt.Items, told.Receipt.Complete)

	fmt.Println("at once")
	if ctx.Err() == nil {
		all, text, err := connection.Run(query, 10_000)
		must(err)
		var items []json.RawMessage
		must(json.Unmarshal(all, &items))
		must(json.Unmarshal(text, &told))
		fmt.Printf("  %d items, complete: %t\n", len(items), told.Receipt.Complete)
	}

	fmt.Println("mutate")
	fmt.Printf("  state: %s\n", run(ctx, connection, write, showOutcomes, 1<<30).State)

	fmt.Println("cancel")
	fmt.Printf("  state: %s\n", run(ctx, connection, longQuery, showPage, 1).State)

	connection.Free()
	fmt.Printf("shutdown: %s\n", engine.End(10_000))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
