package main

import (
	"context"
	"sync"

	"cloud.google.com/go/pubsub/pstest"
	"github.com/golang/protobuf/proto"
	"github.com/golang/protobuf/ptypes/empty"
	"google.golang.org/genproto/googleapis/pubsub/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A deletedTopics is the official in-memory Pub/Sub, but for subscriptions whose topic was deleted: there Debian's version
// panics when they are deleted as well. Here, as in production, such a one stays, says "_deleted-topic_", gets nothing of a
// new topic by the old name, and keeps its own name taken until it is deleted.
type deletedTopics struct {
	*pstest.GServer
	mu    sync.Mutex
	stale map[string]*pubsub.Subscription
}

func (d *deletedTopics) DeleteTopic(ctx context.Context, request *pubsub.DeleteTopicRequest) (*empty.Empty, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.GServer.ListTopicSubscriptions(ctx, &pubsub.ListTopicSubscriptionsRequest{Topic: request.Topic})
	if err != nil {
		return nil, err
	}
	for _, name := range list.Subscriptions {
		found, err := d.GServer.GetSubscription(ctx, &pubsub.GetSubscriptionRequest{Subscription: name})
		if err != nil {
			return nil, err
		}
		stale := proto.Clone(found).(*pubsub.Subscription)
		stale.Topic = "_deleted-topic_"
		if _, err := d.GServer.DeleteSubscription(ctx, &pubsub.DeleteSubscriptionRequest{Subscription: name}); err != nil {
			return nil, err
		}
		d.stale[name] = stale
	}
	return d.GServer.DeleteTopic(ctx, request)
}

// take returns the stale subscription of that name, if it is one, and forgets it if told so.
func (d *deletedTopics) take(name string, forget bool) *pubsub.Subscription {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := d.stale[name]
	if forget {
		delete(d.stale, name)
	}
	return found
}

func (d *deletedTopics) CreateSubscription(ctx context.Context, request *pubsub.Subscription) (*pubsub.Subscription, error) {
	if d.take(request.Name, false) != nil {
		return nil, status.Errorf(codes.AlreadyExists, "subscription %q", request.Name)
	}
	return d.GServer.CreateSubscription(ctx, request)
}

func (d *deletedTopics) GetSubscription(ctx context.Context, request *pubsub.GetSubscriptionRequest) (*pubsub.Subscription, error) {
	if stale := d.take(request.Subscription, false); stale != nil {
		return stale, nil
	}
	return d.GServer.GetSubscription(ctx, request)
}

func (d *deletedTopics) DeleteSubscription(ctx context.Context, request *pubsub.DeleteSubscriptionRequest) (*empty.Empty, error) {
	if d.take(request.Subscription, true) != nil {
		return &empty.Empty{}, nil
	}
	return d.GServer.DeleteSubscription(ctx, request)
}

// registerPubSub serves it on our server, which has our interceptor.
func registerPubSub(server *grpc.Server) {
	service := &deletedTopics{
		GServer: &pstest.NewServer().GServer, // its own listener stays unused
		stale:   map[string]*pubsub.Subscription{},
	}
	pubsub.RegisterPublisherServer(server, service)
	pubsub.RegisterSubscriberServer(server, service)
}
