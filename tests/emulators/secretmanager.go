package main

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/golang/protobuf/proto"
	"github.com/golang/protobuf/ptypes/timestamp"
	"google.golang.org/genproto/googleapis/cloud/secretmanager/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A secretVersion is one version as the test's file has it.
type secretVersion struct {
	Payload     string
	State       string // "" is ENABLED
	Created     int64  // Unix seconds
	BadChecksum bool   `json:"bad_checksum"`
	NoPayload   bool   `json:"no_payload"`
}

type secret struct {
	Labels   map[string]string
	Versions map[string]secretVersion
}

// A secretManager serves the secrets of a JSON file, which is read again for each request:
// {"<project>": {"<secret>": {"labels": {"kind": "..."}, "versions": {"1": {"payload": "..."}}}}}.
type secretManager struct {
	secretmanager.UnimplementedSecretManagerServiceServer
	path string
	page int
}

func registerSecretManager(server *grpc.Server, path string, page int) {
	secretmanager.RegisterSecretManagerServiceServer(server, &secretManager{path: path, page: page})
}

func (s *secretManager) load() (map[string]map[string]secret, error) {
	text, err := os.ReadFile(s.path)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	var all map[string]map[string]secret
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return all, nil
}

// find resolves a resource name: project, secret and version, those that it has.
func (s *secretManager) find(name string) (map[string]secret, *secret, string, error) {
	all, err := s.load()
	if err != nil {
		return nil, nil, "", err
	}
	parts := strings.Split(name, "/")
	if len(parts) < 2 || parts[0] != "projects" {
		return nil, nil, "", status.Errorf(codes.InvalidArgument, "no resource name: %q", name)
	}
	project, ok := all[parts[1]]
	if !ok {
		return nil, nil, "", status.Errorf(codes.PermissionDenied, "no access to project %q", parts[1])
	}
	if len(parts) < 4 {
		return project, nil, "", nil
	}
	found, ok := project[parts[3]]
	if !ok {
		return nil, nil, "", status.Errorf(codes.NotFound, "Secret [%s] not found", name)
	}
	if len(parts) < 6 {
		return project, &found, "", nil
	}
	return project, &found, parts[5], nil
}

// cut gives one page of the names, and the token of the next.
func (s *secretManager) cut(names []string, size int32, token string) ([]string, string, error) {
	first := 0
	if token != "" {
		var err error
		if first, err = strconv.Atoi(token); err != nil || first > len(names) {
			return nil, "", status.Errorf(codes.InvalidArgument, "bad page token %q", token)
		}
	}
	count := s.page
	if int(size) < count {
		count = int(size)
	}
	if first+count < len(names) {
		return names[first : first+count], strconv.Itoa(first + count), nil
	}
	return names[first:], "", nil
}

// The only filter that is understood; what it means is in ListSecrets.
const filter = "(name:record-id-randomization AND labels.kind=record_id_randomization_key) OR " +
	"(name:tenant- AND labels.kind=tenant_auth_key)"

func (s *secretManager) ListSecrets(_ context.Context, request *secretmanager.ListSecretsRequest) (
	*secretmanager.ListSecretsResponse, error) {
	project, _, _, err := s.find(request.Parent)
	if err != nil {
		return nil, err
	}
	// The field filter=4 is younger than these Go types.
	if !strings.Contains(string(request.XXX_unrecognized), filter) {
		return nil, status.Error(codes.InvalidArgument, "this emulator understands one filter only")
	}
	var names []string
	for name, found := range project {
		kind := found.Labels["kind"]
		if strings.Contains(name, "record-id-randomization") && kind == "record_id_randomization_key" ||
			strings.Contains(name, "tenant-") && kind == "tenant_auth_key" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	names, next, err := s.cut(names, request.PageSize, request.PageToken)
	if err != nil {
		return nil, err
	}
	response := &secretmanager.ListSecretsResponse{NextPageToken: next}
	for _, name := range names {
		response.Secrets = append(response.Secrets,
			&secretmanager.Secret{Name: request.Parent + "/secrets/" + name})
	}
	return response, nil
}

func (s *secretManager) ListSecretVersions(_ context.Context, request *secretmanager.ListSecretVersionsRequest) (
	*secretmanager.ListSecretVersionsResponse, error) {
	_, found, _, err := s.find(request.Parent)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(request.XXX_unrecognized), "state:ENABLED") {
		return nil, status.Error(codes.InvalidArgument, "this emulator understands one filter only")
	}
	var names []string
	for name, version := range found.Versions {
		if version.State == "" || version.State == "ENABLED" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	names, next, err := s.cut(names, request.PageSize, request.PageToken)
	if err != nil {
		return nil, err
	}
	response := &secretmanager.ListSecretVersionsResponse{NextPageToken: next}
	for _, name := range names {
		response.Versions = append(response.Versions, &secretmanager.SecretVersion{
			Name:       request.Parent + "/versions/" + name,
			CreateTime: &timestamp.Timestamp{Seconds: found.Versions[name].Created},
			State:      secretmanager.SecretVersion_ENABLED,
		})
	}
	return response, nil
}

func (s *secretManager) AccessSecretVersion(_ context.Context, request *secretmanager.AccessSecretVersionRequest) (
	*secretmanager.AccessSecretVersionResponse, error) {
	_, found, number, err := s.find(request.Name)
	if err != nil {
		return nil, err
	}
	version, ok := found.Versions[number]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Secret Version [%s] not found", request.Name)
	}
	if version.State != "" && version.State != "ENABLED" {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state", request.Name,
			version.State)
	}
	response := &secretmanager.AccessSecretVersionResponse{Name: request.Name}
	if version.NoPayload {
		return response, nil
	}
	sum := crc32.Checksum([]byte(version.Payload), crc32.MakeTable(crc32.Castagnoli))
	if version.BadChecksum {
		sum++
	}
	// data_crc32c=2 is younger than these Go types.
	response.Payload = &secretmanager.SecretPayload{Data: []byte(version.Payload),
		XXX_unrecognized: append([]byte{2 << 3}, proto.EncodeVarint(uint64(sum))...)}
	return response, nil
}
