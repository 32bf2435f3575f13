// A Bigtable emulator: the in-memory server of Google's Go library, with the command line and the first line of output
// of the Cloud SDK's cbtemulator, which is built around the same server.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/bigtable/bttest"
	"google.golang.org/grpc"
)

const messageBytesMax = 256 << 20

func main() {
	host := flag.String("host", "localhost", "the address to bind to on the local machine")
	port := flag.Int("port", 9000, "the port number to bind to, 0 for any")
	flag.Parse()
	server, err := bttest.NewServer(fmt.Sprintf("%s:%d", *host, *port),
		grpc.MaxRecvMsgSize(messageBytesMax), grpc.MaxSendMsgSize(messageBytesMax))
	if err != nil {
		fmt.Fprintln(os.Stderr, "cbtemulator:", err)
		os.Exit(1)
	}
	fmt.Printf("Cloud Bigtable emulator running on %s\n", server.Addr)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
