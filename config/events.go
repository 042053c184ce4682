package config

// Events says who is told what happened, and how long it waits for those who cannot be told now.
type Events struct {
	// Spool keeps records and events on disk, in the folder spool of store.path, until every sink has them. Personal fields are sealed there under a key of the person's own.
	Spool Spool `yaml:"spool"`
	// Sinks get every record and event, or those that only selects, at least once. One that is down holds nothing up.
	Sinks []EventSink `yaml:"sinks"`
}

// Spool bounds what is kept for sinks.
type Spool struct {
	// MaxBytes of the journal. Beyond it the oldest entries are dropped for the sinks that have not got them, which is counted and told by an event. Default 1GiB, at least 16MiB.
	MaxBytes Size `yaml:"max_bytes"`
}

// EventSink is one receiver: exactly one of file, stdout, syslog, webhook, kafka, otlp and s3 is set.
type EventSink struct {
	// Name in metrics and events. The place up to which the sink has got everything is kept under it: another name is another sink, which begins with what happens next.
	Name string `yaml:"name"`
	// File is appended to and rotated.
	File *FileSink `yaml:"file"`
	// Stdout: true writes lines to the standard output; log.access should be off or a file then.
	Stdout bool `yaml:"stdout"`
	// Syslog sends messages of RFC 5424.
	Syslog *SyslogSink `yaml:"syslog"`
	// Webhook posts batches.
	Webhook *WebhookSink `yaml:"webhook"`
	// Kafka produces to a topic.
	Kafka *KafkaSink `yaml:"kafka"`
	// OTLP exports logs to an OpenTelemetry collector, over HTTP with protobuf.
	OTLP *OTLPSink `yaml:"otlp"`
	// S3 puts objects into an object store that speaks S3.
	S3 *S3Sink `yaml:"s3"`
	// Encoding is ocsf (the Open Cybersecurity Schema Framework), ecs (the Elastic Common Schema), cef (ArcSight's) or json (the gateway's own record, as explain shows it). Default ocsf.
	Encoding string `yaml:"encoding" enum:"ocsf,ecs,cef,json"`
	// Only selects: all, refusals, findings (also what a guard in monitor would have refused), events (what happens beside exchanges), or several of them. Default all.
	Only []string `yaml:"only"`
	// Fields says what leaves of what is personal. By default such fields leave as pseudonyms: the same value is the same pseudonym, and nobody without this gateway's key can try values.
	Fields SinkFields `yaml:"fields"`
}

// SinkFields changes what leaves.
type SinkFields struct {
	// Drop leaves fields out: client, peer, user_agent, ja4, path, query, actor, subject, host, roles, tenant, detail, fields, findings, steps, upstream.
	Drop []string `yaml:"drop"`
	// Clear lets personal fields leave as they are, of client, peer, user_agent, ja4, path, query, actor, subject. check tells which leave where.
	Clear []string `yaml:"clear"`
}

// FileSink is a file of lines.
type FileSink struct {
	// Path of the file.
	Path string `yaml:"path"`
	// MaxBytes at which the file is given a name with the time, and a new one is begun. Default 100MiB.
	MaxBytes Size `yaml:"max_bytes"`
	// Keep is how many old files are kept. Default 10.
	Keep int `yaml:"keep"`
	// Gzip: true compresses old files.
	Gzip bool `yaml:"gzip"`
}

// SyslogSink is a receiver of RFC 5424.
type SyslogSink struct {
	// Address, host:port.
	Address string `yaml:"address"`
	// Transport is tls (RFC 5425), tcp (RFC 6587, octet counting) or udp (RFC 5426), by which messages are lost without anybody noticing. Default tls.
	Transport string `yaml:"transport" enum:"tls,tcp,udp"`
	// TLS says whom to believe and what to show.
	TLS *ClientTLS `yaml:"tls"`
	// Facility, 0 to 23. Default 13, log audit.
	Facility int `yaml:"facility"`
	// AppName in every message. Default sallyport.
	AppName string `yaml:"app_name"`
}

// WebhookSink is an HTTP endpoint.
type WebhookSink struct {
	// URL to post to: a JSON array, or lines of text for cef. https, unless allow_private is true.
	URL string `yaml:"url"`
	// Secret signs what is posted, as Standard Webhooks has it: whsec_ and base64, as a secret reference (file:PATH).
	Secret string `yaml:"secret" secret:"true"`
	// Headers are sent with it: Authorization, say. A value may be a secret reference.
	Headers map[string]string `yaml:"headers" secret:"true"`
	// TLS says whom to believe and what to show.
	TLS *ClientTLS `yaml:"tls"`
	// AllowPrivate: true lets the URL be http, or lead to a private address.
	AllowPrivate bool `yaml:"allow_private"`
}

// KafkaSink is a topic of a cluster that speaks Kafka's protocol.
type KafkaSink struct {
	// Brokers to begin with, host:port.
	Brokers []string `yaml:"brokers"`
	// Topic to produce to. It must be there.
	Topic string `yaml:"topic"`
	// User for SASL, with password.
	User string `yaml:"user"`
	// Password for SASL, as a secret reference (file:PATH).
	Password string `yaml:"password" secret:"true"`
	// Mechanism of SASL: scram-sha-512, scram-sha-256 or plain. Default scram-sha-512.
	Mechanism string `yaml:"mechanism" enum:"scram-sha-512,scram-sha-256,plain"`
	// TLS says whom to believe and what to show.
	TLS *ClientTLS `yaml:"tls"`
	// Insecure: true speaks to brokers without TLS.
	Insecure bool `yaml:"insecure"`
}

// OTLPSink is an OpenTelemetry collector.
type OTLPSink struct {
	// URL of the endpoint for logs: https://collector.example:4318/v1/logs.
	URL string `yaml:"url"`
	// Headers are sent with it. A value may be a secret reference.
	Headers map[string]string `yaml:"headers" secret:"true"`
	// TLS says whom to believe and what to show.
	TLS *ClientTLS `yaml:"tls"`
	// AllowPrivate: true lets the URL be http, or lead to a private address.
	AllowPrivate bool `yaml:"allow_private"`
}

// S3Sink is a bucket.
type S3Sink struct {
	// Endpoint, host or host:port.
	Endpoint string `yaml:"endpoint"`
	// Bucket, which must be there.
	Bucket string `yaml:"bucket"`
	// Prefix of the names of objects, which go on with the day and the id of the first entry.
	Prefix string `yaml:"prefix"`
	// Region. Default us-east-1.
	Region string `yaml:"region"`
	// AccessKey is the id of the key.
	AccessKey string `yaml:"access_key"`
	// SecretKey, as a secret reference (file:PATH).
	SecretKey string `yaml:"secret_key" secret:"true"`
	// Every is how long entries gather for one object. Default 1m.
	Every Duration `yaml:"every"`
	// TLS says whom to believe and what to show.
	TLS *ClientTLS `yaml:"tls"`
	// Insecure: true speaks plain HTTP.
	Insecure bool `yaml:"insecure"`
}

// ClientTLS is how the gateway speaks TLS to a receiver of events.
type ClientTLS struct {
	// CA is a PEM file of the authorities that are believed. Default those of the system.
	CA string `yaml:"ca"`
	// Cert is a PEM file of the certificate that is shown.
	Cert string `yaml:"cert"`
	// Key is the PEM file of its private key.
	Key string `yaml:"key"`
	// ServerName that the certificate must be for. Default the host of the address.
	ServerName string `yaml:"server_name"`
}

// PersonalFields are those of a record or event that may tell of a person, by their names in fields.
var PersonalFields = []string{"client", "peer", "user_agent", "ja4", "path", "query", "actor", "subject"}

// EventFields are those that a sink may be spared.
var EventFields = append(PersonalFields[:len(PersonalFields):len(PersonalFields)], "host", "roles", "tenant", "detail", "fields", "findings", "steps", "upstream")

// files are the paths that sinks name.
func (e *Events) files() (list []*string) {
	for i := range e.Sinks {
		s := &e.Sinks[i]
		if s.File != nil {
			list = append(list, &s.File.Path)
		}
		if t := s.tls(); t != nil {
			list = append(list, &t.CA, &t.Cert, &t.Key)
		}
	}
	return list
}

func (s *EventSink) tls() *ClientTLS {
	switch {
	case s.Syslog != nil:
		return s.Syslog.TLS
	case s.Webhook != nil:
		return s.Webhook.TLS
	case s.Kafka != nil:
		return s.Kafka.TLS
	case s.OTLP != nil:
		return s.OTLP.TLS
	case s.S3 != nil:
		return s.S3.TLS
	}
	return nil
}

// secretsIn lets references to files of secrets start in dir.
func (e *Events) secretsIn(dir string) {
	for i := range e.Sinks {
		var headers map[string]string
		switch s := &e.Sinks[i]; {
		case s.Webhook != nil:
			s.Webhook.Secret, headers = fileIn(dir, s.Webhook.Secret), s.Webhook.Headers
		case s.OTLP != nil:
			headers = s.OTLP.Headers
		case s.Kafka != nil:
			s.Kafka.Password = fileIn(dir, s.Kafka.Password)
		case s.S3 != nil:
			s.S3.SecretKey = fileIn(dir, s.S3.SecretKey)
		}
		for name, value := range headers {
			headers[name] = fileIn(dir, value)
		}
	}
}
