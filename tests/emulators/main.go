// Command emulators serves Google services in memory, for tests: the official in-memory servers of Google's Go packages
// where there is one, and small ones of our own where there is none.
//
//	emulators pubsub [-faults FILE] [-record FILE]
//	emulators secretmanager -secrets FILE [-page N] [-faults FILE] [-record FILE]
//
// It prints "listening ADDRESS" and ends when its standard input does, so it never outlives a test.
//
// FAULTS: before each request the file is read, if it is there. A line "METHOD CODE" makes requests of that method end
// with that gRPC code (a number) instead of being served; "METHOD CODE after" serves them first, as if the answer had been
// lost; "METHOD CODE once" or "METHOD CODE after once" does it for one request only.
// RECORD: for each request a line "METHOD HEX" with the request as it was understood, unknown fields included.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A control is what the tests tell an emulator while it runs, and what it tells them.
type control struct {
	mu     sync.Mutex
	faults string
	record string
	used   map[string]bool // lines with "once" that have had their request
}

// fault finds the line for a method and says how its request shall end.
func (c *control) fault(method string) (code codes.Code, after bool) {
	file, err := os.Open(c.faults)
	if err != nil {
		return codes.OK, false
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != method || c.used[lines.Text()] {
			continue
		}
		number, err := strconv.Atoi(words[1])
		if err != nil {
			log.Fatalf("emulators: %s: not a number: %s", c.faults, words[1])
		}
		for _, word := range words[2:] {
			after = after || word == "after"
			if word == "once" {
				c.used[lines.Text()] = true
			}
		}
		return codes.Code(number), after
	}
	return codes.OK, false
}

func (c *control) note(method string, request interface{}) {
	message, ok := request.(proto.Message)
	if c.record == "" || !ok {
		return
	}
	bytes, err := proto.Marshal(message)
	if err != nil {
		log.Fatalf("emulators: %v", err)
	}
	file, err := os.OpenFile(c.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		log.Fatalf("emulators: %v", err)
	}
	defer file.Close()
	fmt.Fprintf(file, "%s %s\n", method, hex.EncodeToString(bytes))
}

func (c *control) intercept(ctx context.Context, request interface{}, info *grpc.UnaryServerInfo,
	handler grpc.UnaryHandler) (interface{}, error) {
	method := path.Base(info.FullMethod)
	c.mu.Lock()
	c.note(method, request)
	code, after := c.fault(method)
	c.mu.Unlock()
	if code == codes.OK {
		return handler(ctx, request)
	}
	if after {
		if answer, err := handler(ctx, request); err != nil {
			return answer, err
		}
	}
	return nil, status.Errorf(code, "a fault that the test asked for")
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: emulators pubsub|secretmanager [OPTIONS]")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	faults := flags.String("faults", "", "file with faults")
	record := flags.String("record", "", "file to record requests in")
	secrets := flags.String("secrets", "", "JSON file with secrets (secretmanager)")
	page := flags.Int("page", 25000, "largest page of a list (secretmanager)")
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	c := &control{faults: *faults, record: *record, used: map[string]bool{}}
	server := grpc.NewServer(grpc.UnaryInterceptor(c.intercept))
	switch os.Args[1] {
	case "pubsub":
		registerPubSub(server)
	case "secretmanager":
		registerSecretManager(server, *secrets, *page)
	default:
		log.Fatalf("emulators: no service called %s", os.Args[1])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening %s\n", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(server.Serve(listener))
}
