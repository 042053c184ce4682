package sink

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// A server that speaks S3 has each batch as one object, and again as the same one when it is sent again.
func TestS3(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("evidence"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	s, err := NewS3(S3Options{Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: "evidence", Prefix: "gate/", Region: "us-east-1", AccessKey: "a", SecretKey: "s", Every: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send(t, s, messages(0, 3))
	send(t, s, messages(0, 3))
	objects, err := backend.ListBucket("evidence", nil, gofakes3.ListBucketPage{})
	if err != nil || len(objects.Contents) != 1 || objects.Contents[0].Key != "gate/2026/11/30/080000-R0000.jsonl.gz" {
		t.Fatal(objects, err)
	}
	object, err := backend.GetObject("evidence", objects.Contents[0].Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(object.Contents)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n" {
		t.Errorf("%s %v", text, err)
	}
	missing, err := NewS3(S3Options{Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: "none", Region: "us-east-1", AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if err := missing.Send(t.Context(), messages(0, 1)); err == nil {
		t.Error("a bucket that is not there takes events")
	}
}
