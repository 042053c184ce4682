package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// maxSinks is how many sinks the spool has cursors for.
const maxSinks = 32

func (c *checker) events(e Events) {
	if e.Spool.MaxBytes != 0 && e.Spool.MaxBytes < 16<<20 {
		c.fail("events.spool.max_bytes", "is less than 16MiB", "a short outage of a sink would lose events")
	}
	if len(e.Sinks) > maxSinks {
		c.fail("events.sinks", fmt.Sprintf("are more than %d", maxSinks), "")
	}
	names := map[string]bool{}
	for i := range e.Sinks {
		at := fmt.Sprintf("events.sinks[%d]", i)
		c.name(e.Sinks[i].Name, at, names)
		c.sink(&e.Sinks[i], at)
	}
}

func (c *checker) sink(s *EventSink, at string) {
	if len(s.Name) > 64 {
		c.fail(at+".name", "is longer than 64 letters", "")
	}
	if s.kinds() != 1 {
		c.fail(at, "needs exactly one of file, stdout, syslog, webhook, kafka, otlp and s3", "")
	}
	for i, only := range s.Only {
		if known := []string{"all", "refusals", "findings", "events"}; !slices.Contains(known, only) {
			c.fail(fmt.Sprintf("%s.only[%d]", at, i), "there is no "+only, near(only, known))
		}
	}
	c.fields(s.Fields.Drop, EventFields, at+".fields.drop")
	c.fields(s.Fields.Clear, PersonalFields, at+".fields.clear")
	c.receiver(s, at)
}

func (s *EventSink) kinds() (n int) {
	for _, set := range []bool{s.File != nil, s.Stdout, s.Syslog != nil, s.Webhook != nil, s.Kafka != nil, s.OTLP != nil, s.S3 != nil} {
		if set {
			n++
		}
	}
	return n
}

func (c *checker) fields(list, known []string, at string) {
	for i, name := range list {
		if !slices.Contains(known, name) {
			c.fail(fmt.Sprintf("%s[%d]", at, i), "there is no such field: "+name, near(name, known))
		}
	}
}

func (c *checker) receiver(s *EventSink, at string) {
	if f := s.File; f != nil {
		c.wanted(f.Path, at+".file.path", "path: events.log")
	}
	if l := s.Syslog; l != nil {
		c.address(l.Address, at+".syslog.address")
		if l.Facility < 0 || l.Facility > 23 {
			c.fail(at+".syslog.facility", "is not 0 to 23", "")
		}
	}
	if w := s.Webhook; w != nil {
		c.endpoint(w.URL, w.AllowPrivate, at+".webhook.url")
	}
	if o := s.OTLP; o != nil {
		c.endpoint(o.URL, o.AllowPrivate, at+".otlp.url")
	}
	if k := s.Kafka; k != nil {
		if len(k.Brokers) == 0 {
			c.fail(at+".kafka", "has no brokers", "brokers: [ kafka.example:9093 ]")
		}
		for i, b := range k.Brokers {
			c.address(b, fmt.Sprintf("%s.kafka.brokers[%d]", at, i))
		}
		c.wanted(k.Topic, at+".kafka.topic", "topic: sallyport")
	}
	if o := s.S3; o != nil {
		c.wanted(o.Endpoint, at+".s3.endpoint", "endpoint: s3.example.com")
		c.wanted(o.Bucket, at+".s3.bucket", "bucket: sallyport")
	}
}

func (c *checker) wanted(value, at, hint string) {
	if value == "" {
		c.fail(at, "is missing", hint)
	}
}

func (c *checker) address(a, at string) {
	if _, port, err := net.SplitHostPort(a); err != nil || port == "" {
		c.fail(at, "is not host:port", "siem.example:6514")
	}
}

func (c *checker) endpoint(address string, private bool, at string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		c.fail(at, "is not an https URL", "url: https://siem.example/events")
	case u.User != nil:
		c.fail(at, "must not carry credentials", "headers: { Authorization: file:token }")
	case !private && !strings.HasPrefix(address, "https://"):
		c.fail(at, "is not https", "allow_private: true lets it be, for receivers on this machine or in a network of your own")
	}
}

// notes tells which personal fields leave in clear, and where to.
func (c *checker) notes(e Events) {
	for i := range e.Sinks {
		s := &e.Sinks[i]
		if len(s.Fields.Clear) > 0 {
			p := c.src.Problem(fmt.Sprintf("events.sinks[%d].fields.clear", i), "events.clear", fmt.Sprintf("personal fields leave in clear to %s (%s): %s", s.Name, s.where(), strings.Join(s.Fields.Clear, ", ")), "without clear they leave as pseudonyms")
			p.Severity = Note
			c.problems = append(c.problems, p)
		}
	}
}

// where says in a word or two where the sink sends to.
func (s *EventSink) where() string {
	switch {
	case s.File != nil:
		return s.File.Path
	case s.Syslog != nil:
		return "syslog " + s.Syslog.Address
	case s.Webhook != nil:
		return s.Webhook.URL
	case s.Kafka != nil:
		return "Kafka " + strings.Join(s.Kafka.Brokers, ", ")
	case s.OTLP != nil:
		return s.OTLP.URL
	case s.S3 != nil:
		return s.S3.Endpoint + "/" + s.S3.Bucket
	}
	return "the standard output"
}
