package alert

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"github.com/sallyport/sallyport/config"
)

// mailer sends one mail for a group.
type mailer struct {
	client *mail.Client
	from   string
	to     []string
}

func newMail(c config.AlertEmail) (route, error) {
	host, port, err := net.SplitHostPort(c.Server)
	number, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil || c.From == "" || len(c.To) == 0 {
		return nil, errors.New("email needs server (host:port), from and to")
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(sending)}
	switch {
	case c.Insecure:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case number == 465:
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if c.User != "" {
		user, err := config.Secret(c.User)
		password, other := config.Secret(c.Password)
		if err = errors.Join(err, other); err != nil {
			return nil, err
		}
		auth := mail.SMTPAuthAutoDiscover
		if c.Insecure {
			return nil, errors.New("a password is not sent without TLS")
		}
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(user), mail.WithPassword(password))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, err
	}
	m := &mailer{client, c.From, c.To}
	_, err = m.message(nil)
	return m, err
}

func (m *mailer) message(list []Alert) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.from), msg.To(m.to...)); err != nil {
		return nil, err
	}
	subject := "sallyport: no alerts"
	if len(list) > 0 {
		subject = "sallyport: " + list[0].Summary
	}
	if len(list) > 1 {
		subject += fmt.Sprintf(", and %d more", len(list)-1)
	}
	msg.Subject(first(subject, 200))
	msg.SetBodyString(mail.TypeTextPlain, textOf(list))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers by machines
	return msg, nil
}

func (m *mailer) send(ctx context.Context, list []Alert) error {
	msg, err := m.message(list)
	if err != nil {
		return err
	}
	return m.client.DialAndSendWithContext(ctx, msg)
}
