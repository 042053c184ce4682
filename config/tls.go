package config

// TLS is how a listener speaks TLS: its certificates, and whom it answers.
type TLS struct {
	// Cert is the PEM file of the certificate chain.
	Cert string `yaml:"cert"`
	// Key is the PEM file of the private key.
	Key string `yaml:"key"`
	// Certificates are further ones. A client gets the first that has the name that it asks for (SNI) and an algorithm that it knows; where none has the name, the first of all.
	Certificates []Certificate `yaml:"certificates"`
	// Names says which clients are answered: served, those that ask for a name under apis[].hosts, and those that ask for none where an address is among the hosts (all, where an API has no hosts); or any. Others end in the alert unrecognized_name. Default served.
	Names string `yaml:"names" enum:"served,any"`
	// ACME obtains and renews certificates by itself, for names that none of the above has.
	ACME *ACME `yaml:"acme"`
	// Clients asks clients for certificates, for every API without clients of its own.
	Clients *Clients `yaml:"clients"`
}

// ACME obtains certificates from an authority that speaks ACME (RFC 8555). To set it is to agree to the authority's terms. What is obtained is kept under store.path, in acme.
type ACME struct {
	// Domains are the names to obtain certificates for, one each. The authority connects to this listener on port 443 (TLS-ALPN-01), or to one without tls on port 80 (HTTP-01), where there is one.
	Domains []string `yaml:"domains"`
	// Email by which the authority tells of trouble.
	Email string `yaml:"email"`
	// CA is the authority's directory. Default https://acme-v02.api.letsencrypt.org/directory.
	CA string `yaml:"ca"`
	// CARoot is a PEM file with the only authorities that are trusted for the directory. Default: the system's.
	CARoot string `yaml:"ca_root"`
	// ExternalAccount is for authorities that want to know whose account it is (RFC 8555, section 7.3.4).
	ExternalAccount *ExternalAccount `yaml:"external_account"`
}

// ExternalAccount is what an authority has handed out to its customer.
type ExternalAccount struct {
	// ID of the key.
	ID string `yaml:"id"`
	// Key is the MAC key in base64url, as the authority shows it.
	Key string `yaml:"key" secret:"true"`
}

// Clients asks clients for certificates in the TLS handshake.
type Clients struct {
	// Mode: require refuses connections without a certificate, optional takes them. Default require.
	Mode string `yaml:"mode" enum:"require,optional"`
	// CA are PEM files with the authorities whose certificates are taken; others are refused in the handshake. Without it any certificate is taken, for mtls identities and tokens that are bound to certificates to judge.
	CA []string `yaml:"ca"`
	// CRL are files with revocation lists, PEM or DER, by authorities under ca. Where there are any, every certificate needs one of its issuer, in force and complete: one that has run out refuses all certificates of its issuer.
	CRL []string `yaml:"crl"`
}

// MTLS says whose client certificates are accepted, and for whom they speak.
type MTLS struct {
	// CA are PEM files with the authorities whose certificates are accepted.
	CA []string `yaml:"ca"`
	// CRL are files with revocation lists, PEM or DER, by authorities under ca. Where there are any, every certificate needs one of its issuer, in force and complete. They are read again at every reload, and hold for connections that are open already.
	CRL []string `yaml:"crl"`
	// Subject says which name of the certificate is the caller's: uri (SPIFFE), dns or email of its alternative names, or cn. There must be exactly one of the kind.
	Subject string `yaml:"subject" enum:"uri,dns,email,cn"`
	// Roles of every caller.
	Roles []string `yaml:"roles"`
	// Scopes of every caller.
	Scopes []string `yaml:"scopes"`
	// Tenant of every caller.
	Tenant string `yaml:"tenant"`
	// Subjects, where there are any, are the only ones that are accepted, whatever else the authorities have signed.
	Subjects []MTLSSubject `yaml:"subjects"`
}

// MTLSSubject is one caller that is known by its certificate.
type MTLSSubject struct {
	// Subject as the certificate names it.
	Subject string `yaml:"subject"`
	// Roles in place of those of every caller.
	Roles []string `yaml:"roles"`
	// Scopes in place of those of every caller.
	Scopes []string `yaml:"scopes"`
	// Tenant in place of that of every caller.
	Tenant string `yaml:"tenant"`
}

// Kinds is how many sources of credentials the identity has; one is right.
func (id *Identity) Kinds() (n int) {
	for _, set := range []bool{id.JWT != nil, id.APIKey != nil, id.MTLS != nil} {
		if set {
			n++
		}
	}
	return n
}

// Certificate is a certificate and its key.
type Certificate struct {
	// Cert is the PEM file of the certificate chain.
	Cert string `yaml:"cert"`
	// Key is the PEM file of the private key.
	Key string `yaml:"key"`
}

// Pairs are all certificates, in the order in which they are preferred.
func (t *TLS) Pairs() []Certificate {
	if t.Cert == "" && t.Key == "" {
		return t.Certificates
	}
	return append([]Certificate{{t.Cert, t.Key}}, t.Certificates...)
}

// TLSFiles are the files of certificates and keys that the config names, wherever it does. Some may be named twice.
func (c *Config) TLSFiles() []string {
	var list []string
	for _, f := range c.tlsFiles() {
		if *f != "" {
			list = append(list, *f)
		}
	}
	return list
}

func (c *Config) tlsFiles() []*string {
	files := c.Admin.TLS.files()
	for i := range c.Listen {
		files = append(files, c.Listen[i].TLS.files()...)
	}
	for i := range c.APIs {
		u := &c.APIs[i].Upstream
		files = append(files, &u.CA, &u.Cert, &u.Key)
		files = append(files, c.APIs[i].Clients.files()...)
	}
	for i := range c.Identity {
		if m := c.Identity[i].MTLS; m != nil {
			files = append(files, pointers(m.CA, m.CRL)...)
		}
	}
	return files
}

func (t *TLS) files() []*string {
	if t == nil {
		return nil
	}
	files := append(t.Clients.files(), &t.Cert, &t.Key)
	if t.ACME != nil {
		files = append(files, &t.ACME.CARoot)
	}
	for i := range t.Certificates {
		files = append(files, &t.Certificates[i].Cert, &t.Certificates[i].Key)
	}
	return files
}

func (c *Clients) files() []*string {
	if c == nil {
		return nil
	}
	return pointers(c.CA, c.CRL)
}

func pointers(lists ...[]string) (all []*string) {
	for _, list := range lists {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	return all
}
