package sink

import (
	"cmp"
	"errors"
	"io"
	"time"

	"github.com/sallyport/sallyport/config"
)

// Open makes the sink that the config describes. Lines of one for the standard output go to out. Secrets are read here.
func Open(c *config.EventSink, out io.Writer, version string) (Sink, error) {
	switch {
	case c.File != nil:
		return NewFile(FileOptions{Path: c.File.Path, Size: c.File.MaxBytes.Or(100 << 20), Keep: cmp.Or(c.File.Keep, 10), Gzip: c.File.Gzip})
	case c.Stdout:
		return NewStdout(out), nil
	case c.Syslog != nil:
		return openSyslog(c.Syslog)
	case c.Webhook != nil:
		return openWebhook(c.Webhook, c.Encoding != "cef", version)
	case c.Kafka != nil:
		return openKafka(c.Kafka)
	case c.OTLP != nil:
		return openOTLP(c.OTLP, version)
	case c.S3 != nil:
		return openS3(c.S3)
	}
	return nil, errors.New("it says nowhere to send to")
}

func openSyslog(c *config.SyslogSink) (Sink, error) {
	t, err := clientTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	const logAudit = 13
	return NewSyslog(SyslogOptions{Address: c.Address, Transport: cmp.Or(c.Transport, "tls"), TLS: t, Facility: cmp.Or(c.Facility, logAudit), AppName: cmp.Or(c.AppName, "sallyport")})
}

func openWebhook(c *config.WebhookSink, isJSON bool, version string) (Sink, error) {
	header, err := secrets(c.Headers)
	if err != nil {
		return nil, err
	}
	ref, err := config.Secret(c.Secret)
	if err != nil {
		return nil, err
	}
	key, err := WebhookSecret(ref)
	if err != nil {
		return nil, err
	}
	t, err := clientTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	return NewWebhook(WebhookOptions{URL: c.URL, Secret: key, Header: header, JSON: isJSON, AllowPrivate: c.AllowPrivate, TLS: t, Version: version})
}

func secrets(refs map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for name, ref := range refs {
		value, err := config.Secret(ref)
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, nil
}

func openKafka(c *config.KafkaSink) (Sink, error) {
	password, err := config.Secret(c.Password)
	if err != nil {
		return nil, err
	}
	o := KafkaOptions{Brokers: c.Brokers, Topic: c.Topic, User: c.User, Password: password, Mechanism: c.Mechanism}
	if !c.Insecure {
		if o.TLS, err = clientTLS(c.TLS); err != nil {
			return nil, err
		}
	}
	return NewKafka(o)
}

func openOTLP(c *config.OTLPSink, version string) (Sink, error) {
	header, err := secrets(c.Headers)
	if err != nil {
		return nil, err
	}
	t, err := clientTLS(c.TLS)
	if err != nil {
		return nil, err
	}
	return NewOTLP(WebhookOptions{URL: c.URL, Header: header, AllowPrivate: c.AllowPrivate, TLS: t, Version: version})
}

func openS3(c *config.S3Sink) (Sink, error) {
	secret, err := config.Secret(c.SecretKey)
	if err != nil {
		return nil, err
	}
	o := S3Options{Endpoint: c.Endpoint, Bucket: c.Bucket, Prefix: c.Prefix, Region: cmp.Or(c.Region, "us-east-1"), AccessKey: c.AccessKey, SecretKey: secret, Every: c.Every.Or(time.Minute)}
	if !c.Insecure {
		if o.TLS, err = clientTLS(c.TLS); err != nil {
			return nil, err
		}
	}
	return NewS3(o)
}
