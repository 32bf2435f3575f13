package main

import (
	"cloud.google.com/go/pubsub/pstest"
	"google.golang.org/genproto/googleapis/pubsub/v1"
	"google.golang.org/grpc"
)

// registerPubSub serves the official in-memory Pub/Sub on our server, which has our interceptor.
func registerPubSub(server *grpc.Server) {
	service := pstest.NewServer() // its own listener stays unused
	pubsub.RegisterPublisherServer(server, &service.GServer)
	pubsub.RegisterSubscriberServer(server, &service.GServer)
}
