package sink

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Options are those of a bucket.
type S3Options struct {
	Endpoint, Bucket, Prefix, Region string
	AccessKey, SecretKey             string
	Every                            time.Duration // how long messages gather for one object
	TLS                              *tls.Config   // nil: plain HTTP
}

// s3 puts each batch as one object of compressed lines, named by the time and id of its first message: a batch that is sent
// again replaces itself.
type s3 struct {
	S3Options
	client *minio.Client
	text   []byte
}

// NewS3 makes a client; it connects when the first batch is sent.
func NewS3(o S3Options) (Sink, error) {
	client, err := minio.New(o.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: o.TLS != nil, Region: o.Region, MaxRetries: 1,
		Transport: &http.Transport{TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: sendWait}})
	if err != nil {
		return nil, err
	}
	return &s3{S3Options: o, client: client}, nil
}

const sendWait = 20 * time.Second

func (s *s3) Batch() Batch { return Batch{Messages: 50_000, Bytes: 16 << 20, Wait: s.Every} }

// Send puts the batch.
func (s *s3) Send(ctx context.Context, batch []Message) error {
	s.text = lines(s.text[:0], batch)
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	_, err := z.Write(s.text)
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	_, err = s.client.PutObject(ctx, s.Bucket, s.name(&batch[0]), &body, int64(body.Len()), minio.PutObjectOptions{ContentType: "application/x-ndjson", ContentEncoding: "gzip", DisableMultipart: true})
	if minio.ToErrorResponse(err).Code == minio.EntityTooLarge {
		return &Refused{Err: err}
	}
	return err
}

func (s *s3) name(first *Message) string {
	return strings.TrimPrefix(s.Prefix, "/") + first.Time.UTC().Format("2006/01/02/150405") + "-" + first.ID + ".jsonl.gz"
}

func (s *s3) Close() error { return nil }
